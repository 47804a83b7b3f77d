"""The synchronous client."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from fks_actors.client.answers import ApiRefused, content_of, fault_of, headers_of, object_of, rows_of, sign, text_of
from fks_actors.client.jobs import (
    AGAIN,
    LAST_LOOK_S,
    SUBMIT_S,
    Instant,
    Job,
    Patience,
    job_of,
    passes,
    quoted,
    request,
)
from fks_actors.errors import FksError, InvariantError

DECIDE_S = 130.0
"""How long a debate may take."""


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
        headers = headers_of(token)
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, trust_env=False)
        except httpx.InvalidURL as error:
            raise fault_of(error, url) from None
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
        return object_of(self.get("status"), self._url)

    def account(self) -> dict[str, Any] | None:
        """What is owned now; None before the desk has recorded an account."""
        try:
            return object_of(self.get("account"), self._url)
        except ApiRefused as error:
            if error.status == httpx.codes.SERVICE_UNAVAILABLE:
                return None
            raise

    def positions(self) -> list[dict[str, Any]]:
        """What is held; nothing before the desk has recorded an account."""
        try:
            return rows_of(self.get("positions"), self._url)
        except ApiRefused as error:
            if error.status == httpx.codes.SERVICE_UNAVAILABLE:
                return []
            raise

    def agents(self) -> list[dict[str, Any]]:
        """Every actor and its state."""
        return rows_of(self.get("agents"), self._url)

    def shadows(self) -> dict[str, Any]:
        """The paper portfolios beside the desk: `items`, and `tests` of their differences."""
        return object_of(self.get("shadows"), self._url)

    def page(self, path: str, **query: object) -> dict[str, Any]:
        """A page of a list such as `orders` or `decisions`, newest first: `items` and `next_cursor`."""
        page = object_of(self.get(path, **query), self._url)
        return {**page, "items": rows_of(page.get("items"), self._url)}

    def decide(self, symbol: str) -> dict[str, Any]:
        """What the minds say of the last bar, and a debate over it, without trading. Models may take their time."""
        return object_of(self.post("decide", {"symbol": symbol}, DECIDE_S), self._url)

    def control(self, state: str, reason: str) -> dict[str, Any]:
        """Change the trading state: active, reducing or halted."""
        return object_of(self.post("control", {"state": state, "reason": reason}), self._url)

    def cancel(self, client_order_ids: Sequence[str] = ()) -> list[dict[str, Any]]:
        """End working orders, all of them where none is named; those that worked, as they stood."""
        return rows_of(self.post("orders/cancel", {"orders": list(client_order_ids)}), self._url)

    def replace(self, client_order_id: str, price: str | None = None, quantity: str | None = None) -> dict[str, Any]:
        """Change a working order's price (quote) or quantity (base); the order as it stood.

        Raises:
            ApiRefused: no order works under that id.
        """
        body = {name: value for name, value in (("price", price), ("quantity", quantity)) if value is not None}
        return object_of(self.post(f"orders/{client_order_id}/replace", body), self._url)

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
        return object_of(
            self._told(
                lambda: self._http.post("/webhook/tradingview", content=body, headers=headers, timeout=timeout_s)
            ),
            self._url,
        )

    # --- jobs ---

    def submit_backtest(
        self,
        data: Sequence[str | Path],
        strategy: str = "",
        settings: Mapping[str, Any] | None = None,
        *,
        since: Instant = None,
        until: Instant = None,
        **more: Any,
    ) -> Job:
        """Submit a backtest; see `jobs.request`. `more`: warm, seed, baselines, lag, check_lookahead, label.

        Raises:
            ConfigError: a file cannot be read.
            ApiRefused: the desk does not take it; `field` says what is wrong.
        """
        return self.submit({"kind": "backtest", **request(data, strategy, settings, since, until, **more)})

    def submit_optimisation(
        self,
        data: Sequence[str | Path],
        search: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
        *,
        since: Instant = None,
        until: Instant = None,
        warm: int = 500,
        **more: Any,
    ) -> Job:
        """Submit a search; `search` has `space` (key: {low, high} or choices), and may have trials, cv, objectives,
        sampler and pruner. Raises as `submit_backtest`."""
        told = {"warm": warm, "search": dict(search), **more}
        return self.submit({"kind": "optimize", **request(data, "", settings, since, until, **told)})

    def submit_sweep(
        self,
        data: str | Path,
        rule: str,
        grid: Mapping[str, Sequence[float]],
        settings: Mapping[str, Any] | None = None,
        *,
        since: Instant = None,
        until: Instant = None,
        votes: bool = False,
        top: int = 50,
        **more: Any,
    ) -> Job:
        """Submit a sweep of a rule over the sets of a grid; raises as `submit_backtest`."""
        values = {name: list(each) for name, each in grid.items()}
        sweep = {"rule": rule, "grid": values, "votes": votes, "top": top}
        return self.submit({"kind": "sweep", **request([data], "", settings, since, until, sweep=sweep, **more)})

    def submit(self, body: dict[str, Any]) -> Job:
        """Submit a job as its body says; what nobody answered is sent again, for its `id` makes it one job."""
        for left in reversed(range(AGAIN)):
            try:
                return job_of(self.post("backtests", body, SUBMIT_S), self._url)
            except FksError as error:
                if not left or not body.get("id") or not passes(error):
                    raise
            time.sleep(LAST_LOOK_S)
        raise InvariantError("a request was neither answered nor refused")

    def backtest(self, job_id: str) -> Job:
        """A job as it stands."""
        return job_of(self.get(f"backtests/{quoted(job_id)}"), self._url)

    def backtests(self, cursor: str = "", limit: int = 50) -> tuple[list[Job], str]:
        """A page of jobs, newest first, and the next cursor, empty on the last page."""
        page = self.page("backtests", cursor=cursor, limit=limit)
        return [job_of(row, self._url) for row in page["items"]], str(page.get("next_cursor") or "")

    def wait(
        self,
        job_id: str,
        told: Callable[[Job], None] = lambda _: None,
        timeout_s: float | None = None,
        patience_s: float = 60.0,
    ) -> Job:
        """The job once it has ended.

        Args:
            told: hears of it while it has not.
            timeout_s: how long to wait, None for as long as it takes.
            patience_s: for how long nobody need answer.

        Raises:
            FksError: it has not ended in time, or nobody answered for too long.
        """
        clock = Patience(time.monotonic(), timeout_s, patience_s)
        while True:
            try:
                job = self.backtest(job_id)
            except FksError as error:
                clock.silent(error, time.monotonic())
            else:
                told(job)
                if job.is_end:
                    return job
                clock.heard(job, time.monotonic())
            time.sleep(clock.pause_s())

    def logs(self, job_id: str, tail: int = 65_536) -> str:
        """The end of what a job printed, `tail` bytes."""
        return str(object_of(self.get(f"backtests/{quoted(job_id)}/logs", tail=tail), self._url).get("text", ""))

    def result(self, job_id: str) -> dict[str, Any]:
        """What the command prints with --json, of a job that is done."""
        return object_of(self.get(f"backtests/{quoted(job_id)}/result"), self._url)

    def report(self, job_id: str) -> str:
        """The page of a backtest that is done."""
        return text_of(self._sent(lambda: self._http.get(f"/api/v1/backtests/{quoted(job_id)}/report")), self._url)

    def cancel_backtest(self, job_id: str) -> Job:
        """End a job; one that has ended stays as it is."""
        answer = self._told(lambda: self._http.delete(f"/api/v1/backtests/{quoted(job_id)}"))
        return job_of(answer, self._url)

    def _told(self, send: Callable[[], httpx.Response]) -> Any:
        return content_of(self._sent(send), self._url)

    def _sent(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            return send()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise fault_of(error, self._url) from None
