"""A Python client of a running desk, over HTTP. Answers are the API's JSON as plain dictionaries (OpenAPI at /docs)."""

import hashlib
import hmac
import json
from types import TracebackType
from typing import Any, Self, cast

import httpx

from fks_actors.errors import FksError, NotRunning


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


class Client:
    """Synchronous client; use it as a context manager.

    Args:
        url: the desk's address, such as http://127.0.0.1:8000.
        token: the API token.
        timeout_s: how long an answer may take.
    """

    def __init__(self, url: str, token: str = "", timeout_s: float = 10.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)
        self._url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str, **query: object) -> Any:
        """GET `/api/v1/<path>`.

        Raises:
            ApiRefused: the API says no.
            NotRunning: nobody answers at the address.
        """
        params = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return self._told(lambda: self._http.get(f"/api/v1/{path}", params=params))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST `/api/v1/<path>`; raises as `get`."""
        return self._told(lambda: self._http.post(f"/api/v1/{path}", json=body))

    def status(self) -> dict[str, Any]:
        """The whole in short."""
        return cast("dict[str, Any]", self.get("status"))

    def account(self) -> dict[str, Any]:
        """What is owned now."""
        return cast("dict[str, Any]", self.get("account"))

    def agents(self) -> list[dict[str, Any]]:
        """Every actor and its state."""
        return cast("list[dict[str, Any]]", self.get("agents"))

    def decide(self, symbol: str) -> dict[str, Any]:
        """What the minds say of the last bar, without trading."""
        return cast("dict[str, Any]", self.post("decide", {"symbol": symbol}))

    def control(self, state: str, reason: str) -> dict[str, Any]:
        """Change the trading state: active, reducing or halted."""
        return cast("dict[str, Any]", self.post("control", {"state": state, "reason": reason}))

    def signal(self, secret: str, alert: dict[str, Any], wait_s: int = 0) -> dict[str, Any]:
        """Send an alert signed with `secret`; wait up to `wait_s` seconds for its outcome.

        Raises:
            ApiRefused: the webhook refused it.
        """
        body = json.dumps(alert).encode()
        headers = {"Content-Type": "application/json", "X-Signature": "sha256=" + sign(secret, body)}
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        return cast(
            "dict[str, Any]",
            self._told(
                lambda: self._http.post("/webhook/tradingview", content=body, headers=headers, timeout=wait_s + 10.0)
            ),
        )

    def _told(self, send: Any) -> Any:
        try:
            answer: httpx.Response = send()
        except httpx.ConnectError:
            raise NotRunning(f"nothing answers at {self._url}; start the desk with `fks up`") from None
        except httpx.HTTPError as error:
            raise FksError(f"{self._url}: {type(error).__name__}: {error}") from None
        try:
            body = answer.json()
        except ValueError:
            raise FksError(f"{self._url}: answered {answer.status_code} without JSON; is this a desk?") from None
        if answer.is_success:
            return body
        fault = body.get("error", {}) if isinstance(body, dict) else {}
        raise ApiRefused(
            answer.status_code, fault.get("code", "unknown"), fault.get("message", ""), fault.get("field") or ""
        )


def sign(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the raw body as hex: what goes behind `sha256=` in X-Signature."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
