"""How the edge answers: JSON with Decimals as plain text, and one shape for every error."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from deployments import shapes
from fks_actors.errors import ActorUnavailable, DataError, FksError

_log = logging.getLogger(__name__)
_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 429: "rate_limited"}
_RETRY_S = 5
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
_UNCACHED = (*_SECURITY, (b"cache-control", b"no-store"))


class ApiError(Exception):
    """An answer other than the one asked for; becomes `{"error": {code, message, field}}`.

    Args:
        status: the HTTP status.
        code: for programs.
        message: for people.
        field: the parameter at fault, or an empty string.
    """

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(status, code, message, field)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


def json_answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as JSON; Decimals must have become text before (`render`)."""
    return Response(msgspec.json.encode(content), status, dict(headers or {}), "application/json")


class Plain:
    """A short JSON answer that is sent without the framework (ASGI)."""

    __slots__ = ("_body", "_status")

    def __init__(self, content: Any, status: int) -> None:
        self._body = msgspec.json.encode(content)
        self._status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        headers = ((b"content-length", b"%d" % len(self._body)), (b"content-type", b"application/json"))
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


def error_answer(
    status: int, code: str, message: str, field: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The one shape of an error."""
    return json_answer({"error": {"code": code, "message": message, "field": field}}, status, headers)


def documented(**meanings: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for refusals: `documented(_401="no token", ...)`, all of the one shape."""
    return {int(name[1:]): {"description": told, "model": shapes.Refusal} for name, told in meanings.items()}


def answer_errors(app: FastAPI) -> None:
    """Give every error of `app`, the framework's own included, the one shape."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(FksError, _fks_error)


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 (registered for this class)
    headers = {
        401: {"WWW-Authenticate": "Bearer"},
        429: {"Retry-After": str(_RETRY_S)},
        503: {"Retry-After": str(_RETRY_S)},
    }.get(error.status)
    return error_answer(error.status, error.code, error.message, error.field, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class)
    code = _CODES.get(error.status_code, "invalid_request")
    return error_answer(error.status_code, code, str(error.detail), "", error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this class)
    fault = error.errors()[0]
    place = [str(part) for part in fault["loc"] if part not in ("query", "body", "path")]
    codes = {"missing": "missing_field", "extra_forbidden": "unknown_field", "json_invalid": "invalid_json"}
    code = codes.get(fault["type"], "invalid_field")
    field = "" if code == "invalid_json" else ".".join(place)[:64]
    return error_answer(400 if code == "invalid_json" else 422, code, str(fault["msg"]), field)


async def _fks_error(_: Request, error: Exception) -> Response:
    if isinstance(error, DataError):
        return error_answer(422, "invalid_field", str(error), "symbol")
    _log.warning("answered 503: %s: %s", type(error).__name__, error)
    message = "the desk does not answer" if isinstance(error, ActorUnavailable) else "the journal does not answer"
    return error_answer(503, "unavailable", message, "", {"Retry-After": str(_RETRY_S)})


class LastResort:
    """The outermost layer (ASGI): whatever escapes becomes a logged 503, security headers go onto every answer."""

    def __init__(self, app: Any, count: Any) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._count(scope, message["status"])
                message = {**message, "headers": [*message["headers"], *self._missing(message["headers"])]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            _log.exception("a request failed")
            if begun:
                raise
            await error_answer(503, "unavailable", "an internal error; it is logged")(scope, receive, sending)

    def _missing(self, headers: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[bytes, bytes]]:
        """The headers of _UNCACHED that an answer does not have already."""
        there = {name.lower() for name, _ in headers}
        return [each for each in _UNCACHED if each[0] not in there]
