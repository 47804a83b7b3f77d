"""The JSON of `/api/v1/backtests`, for OpenAPI and mypy."""

from typing import Any

from typing_extensions import TypedDict


class JobShape(TypedDict):
    """A backtest, an optimisation or a sweep. `state` is queued, running, done, failed or cancelled; `progress` 0..1.

    `doing` is for people: what it does, or what it waits for. `first_line` is the verdict and `summary` a few figures,
    once it is done; `error` says why it failed. `cancelling`: its end was asked for. Times are UTC ms, 0 for not yet.
    """

    id: str
    kind: str
    label: str
    strategy: str
    data: list[str]
    state: str
    progress: float
    doing: str
    cancelling: bool
    created_ms: int
    started_ms: int
    ended_ms: int
    first_line: str
    summary: dict[str, Any]
    error: str


class JobPage(TypedDict):
    """Jobs, newest first; `next_cursor` is empty on the last page."""

    items: list[JobShape]
    next_cursor: str


class JobLogs(TypedDict):
    """The end of what a job printed; `bytes` is how long that is altogether, `cut` whether more stands before."""

    id: str
    text: str
    bytes: int
    cut: bool


EXAMPLES: dict[str, Any] = {
    "a strategy that comes with the desk": {
        "value": {"kind": "backtest", "data": [{"name": "binance/BTC-USDT-1h.parquet"}], "strategy": "sma_cross"}
    },
    "a strategy of one's own": {
        "value": {
            "kind": "backtest",
            "data": [{"name": "BTCUSDT-1h.csv.gz", "content": "H4sIAAAA..."}],
            "strategy": "mine.py",
            "sources": [{"file": "mine.py", "text": "class Mine:\n    def on_bar(self, bar):\n        return 1.0\n"}],
        }
    },
    "an optimisation": {
        "value": {
            "kind": "optimize",
            "data": [{"name": "binance/BTC-USDT-1h.parquet"}],
            "warm": 500,
            "search": {"space": {"risk.per_trade_pct": {"low": 1, "high": 10}}, "trials": 20},
        }
    },
    "a sweep": {
        "value": {
            "kind": "sweep",
            "data": [{"name": "binance/BTC-USDT-1h.parquet"}],
            "sweep": {"rule": "ema_cross", "grid": {"fast": [10, 20, 30], "slow": [50, 100, 200]}},
        }
    },
}
"""Requests, for the page of the API."""
