"""A Python client of a running desk, over HTTP. Answers are the API's JSON as plain dictionaries (OpenAPI at /docs)."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from fks_actors.errors import ConfigError, FksError, NotRunning

_DECIDE_S = 130.0


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

    HTTP_PROXY and its like are not asked: a token belongs to the desk alone.

    Raises:
        ConfigError: the address or the token cannot be sent.
    """

    def __init__(self, url: str, token: str = "", timeout_s: float = 10.0) -> None:
        if not token.isascii() or not token.isprintable():
            raise ConfigError("the API token holds characters that no HTTP header can; see FKS_API_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, trust_env=False)
        except httpx.InvalidURL as error:
            raise ConfigError(f"{url} is no address of a desk: {error}") from None
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

    def post(self, path: str, body: dict[str, Any], timeout_s: float | None = None) -> Any:
        """POST `/api/v1/<path>`; raises as `get`. `timeout_s`: how long this answer may take, None for the usual."""
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        return self._told(lambda: self._http.post(f"/api/v1/{path}", json=body, timeout=timeout))

    def status(self) -> dict[str, Any]:
        """The whole in short."""
        return self._object(self.get("status"))

    def account(self) -> dict[str, Any] | None:
        """What is owned now; None before the desk has recorded an account."""
        try:
            return self._object(self.get("account"))
        except ApiRefused as error:
            if error.status == httpx.codes.SERVICE_UNAVAILABLE:
                return None
            raise

    def positions(self) -> list[dict[str, Any]]:
        """What is held; nothing before the desk has recorded an account."""
        try:
            return self._rows(self.get("positions"))
        except ApiRefused as error:
            if error.status == httpx.codes.SERVICE_UNAVAILABLE:
                return []
            raise

    def agents(self) -> list[dict[str, Any]]:
        """Every actor and its state."""
        return self._rows(self.get("agents"))

    def shadows(self) -> dict[str, Any]:
        """The paper portfolios beside the desk: `items`, and `tests` of their differences."""
        return self._object(self.get("shadows"))

    def page(self, path: str, **query: object) -> dict[str, Any]:
        """A page of a list such as `orders` or `decisions`, newest first: `items` and `next_cursor`."""
        page = self._object(self.get(path, **query))
        return {**page, "items": self._rows(page.get("items"))}

    def decide(self, symbol: str) -> dict[str, Any]:
        """What the minds say of the last bar, and a debate over it, without trading. Models may take their time."""
        return self._object(self.post("decide", {"symbol": symbol}, _DECIDE_S))

    def control(self, state: str, reason: str) -> dict[str, Any]:
        """Change the trading state: active, reducing or halted."""
        return self._object(self.post("control", {"state": state, "reason": reason}))

    def cancel(self, client_order_ids: Sequence[str] = ()) -> list[dict[str, Any]]:
        """End working orders, all of them where none is named; those that worked, as they stood."""
        return self._rows(self.post("orders/cancel", {"orders": list(client_order_ids)}))

    def replace(self, client_order_id: str, price: str | None = None, quantity: str | None = None) -> dict[str, Any]:
        """Change a working order's price (quote) or quantity (base); the order as it stood.

        Raises:
            ApiRefused: no order works under that id.
        """
        body = {name: value for name, value in (("price", price), ("quantity", quantity)) if value is not None}
        return self._object(self.post(f"orders/{client_order_id}/replace", body))

    def signal(self, secret: str, alert: dict[str, Any], wait_s: int = 0) -> dict[str, Any]:
        """Send an alert signed with `secret`; wait up to `wait_s` seconds for its outcome.

        Raises:
            ApiRefused: the webhook refused it.
        """
        body = json.dumps(alert, default=str).encode()
        headers = {"Content-Type": "application/json", "X-Signature": "sha256=" + sign(secret, body)}
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        timeout_s = max(0, wait_s) + 10.0
        return self._object(
            self._told(
                lambda: self._http.post("/webhook/tradingview", content=body, headers=headers, timeout=timeout_s)
            )
        )

    def _told(self, send: Callable[[], httpx.Response]) -> Any:
        try:
            answer = send()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise NotRunning(f"nothing answers at {self._url}; start the desk with `fks up`") from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise ConfigError(f"{self._url} is no address of a desk: {error}") from None
        except httpx.TimeoutException:
            raise FksError(f"{self._url} did not answer in time; try again, and see `fks doctor`") from None
        except httpx.HTTPError as error:
            raise FksError(f"{self._url}: {type(error).__name__}: {error}") from None
        try:
            body = answer.json()
        except ValueError:
            raise FksError(f"{self._url}: answered {answer.status_code} without JSON; is this a desk?") from None
        if answer.is_success:
            return body
        told = body.get("error") if isinstance(body, dict) else None
        fault = told if isinstance(told, dict) else {}
        code, message, field = (str(fault.get(name) or "") for name in ("code", "message", "field"))
        raise ApiRefused(answer.status_code, code or "unknown", message or "is this a desk?", field)

    def _object(self, answer: Any) -> dict[str, Any]:
        if isinstance(answer, dict):
            return answer
        raise FksError(f"{self._url}: answered other JSON than a desk's; is this a desk?")

    def _rows(self, answer: Any) -> list[dict[str, Any]]:
        if isinstance(answer, list):
            return [self._object(row) for row in answer]
        raise FksError(f"{self._url}: answered other JSON than a desk's; is this a desk?")


def sign(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the raw body as hex: what goes behind `sha256=` in X-Signature."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
