"""What a client makes of an address, a token, and of what comes back from there."""

import hashlib
import hmac
from typing import Any

import httpx

from fks_actors.errors import ConfigError, FksError, NotRunning


class ApiRefused(FksError):
    """The API refused a request.

    Args:
        status: HTTP status.
        code: the contract's code, such as `unauthorized`.
        message: what is wrong.
        field: the field it is about, or an empty string.
    """

    def __init__(self, status: int, code: str, message: str, field: str) -> None:
        super().__init__(status, code, message, field)
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    def __str__(self) -> str:
        where = f" ({self.field})" if self.field else ""
        return f"{self.status} {self.code}{where}: {self.message}"


def headers_of(token: str) -> dict[str, str]:
    """What carries the token.

    Raises:
        ConfigError: it cannot be sent.
    """
    if not token.isascii() or not token.isprintable():
        raise ConfigError("the API token holds characters that no HTTP header can; see FKS_API_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def fault_of(error: Exception, url: str) -> FksError:
    """What it means that no answer came."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return NotRunning(f"nothing answers at {url}; start the desk with `fks up`")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ConfigError(f"{url} is no address of a desk: {error}")
    if isinstance(error, httpx.TimeoutException):
        return FksError(f"{url} did not answer in time; try again, and see `fks doctor`")
    return FksError(f"{url}: {type(error).__name__}: {error}")


def content_of(answer: httpx.Response, url: str) -> Any:
    """The JSON of an answer.

    Raises:
        ApiRefused: the API says no.
        FksError: the answer is no desk's.
    """
    try:
        body = answer.json()
    except ValueError:
        raise FksError(f"{url}: answered {answer.status_code} without JSON; is this a desk?") from None
    if answer.is_success:
        return body
    told = body.get("error") if isinstance(body, dict) else None
    fault = told if isinstance(told, dict) else {}
    code, message, field = (str(fault.get(name) or "") for name in ("code", "message", "field"))
    raise ApiRefused(answer.status_code, code or "unknown", message or "is this a desk?", field)


def object_of(answer: Any, url: str) -> dict[str, Any]:
    """The answer, an object.

    Raises:
        FksError: it is none.
    """
    if isinstance(answer, dict):
        return answer
    raise FksError(f"{url}: answered other JSON than a desk's; is this a desk?")


def rows_of(answer: Any, url: str) -> list[dict[str, Any]]:
    """The answer, a list of objects; raises as `object_of`."""
    if isinstance(answer, list):
        return [object_of(row, url) for row in answer]
    raise FksError(f"{url}: answered other JSON than a desk's; is this a desk?")


def text_of(answer: httpx.Response, url: str) -> str:
    """The text of a page; raises as `content_of`."""
    if not answer.is_success:
        content_of(answer, url)
    return answer.text


def sign(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the raw body as hex: what goes behind `sha256=` in X-Signature."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
