"""A coordinator for the edge's tests."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fks_actors.backtest.jobs.asked import read_spec
from fks_actors.desk.state import Change
from fks_actors.errors import ActorUnavailable, DataError, JobRefused
from fks_actors.model.debates import Debate
from fks_actors.model.orders import (
    Order,
)
from fks_actors.model.records import (
    AuditRecord,
    TradingState,
)
from fks_actors.model.votes import Action, Ballot, Verdict, Vote
from fks_actors.telemetry import Gathering, Sample

PAPER_VENUE: dict[str, Any] = {
    "venue": "paper",
    "exchange": "paper",
    "mode": "paper",
    "claims": [],
    "answers": True,
    "breaker": "",
    "streams": {},
    "open_orders": 0,
    "trouble": "",
}
HALF_BLIND: dict[str, Any] = {
    "paused": True,
    "reason": "1 of 2 data sources fail, 10% may: feed ETH/USDT (overdue, score 1.00, limit 0.5)",
    "failing": 1,
    "share": 0.5,
    "limit": 0.1,
    "least_score": 0.5,
    "sources": [
        {"source": "feed", "symbol": symbol, "score": 1.0, "fails": late, "present": True, "deviation": 0.0}
        | {"trouble": "overdue" if late else ""}
        for symbol, late in (("BTC/USDT", False), ("ETH/USDT", True))
    ],
}
SHADOWS: dict[str, Any] = {
    "clock_ms": 1_733_040_000_000,
    "behind": False,
    "trouble": "",
    "items": [
        {
            "name": name,
            "label": label,
            "kind": kind,
            "begin_ms": 1_733_011_200_000,
            "close_ms": 1_733_040_000_000,
            "bars": 16,
            "cash": "10000",
            "equity": equity,
            "gained": gained,
            "drawdown": "0.01250000",
            "exposure": "2500.5",
            "orders": orders,
            "fills": orders,
            "fees": "1.25",
            "desk_gained": "0.00500000",
            "difference": difference,
            "left_out": ["sentiment"] if kind == "twin" else [],
            "trouble": trouble,
        }
        for name, label, kind, equity, gained, difference, orders, trouble in (
            ("flat", "flat: cash", "baseline", "10000", "0.00000000", "-0.00500000", 0, ""),
            ("buy_and_hold", "buy and hold", "baseline", "10210.75", "0.02107500", "0.01607500", 2, ""),
            ("twin", "the desk's own configuration on paper", "twin", "10050", "0.00500000", "0.00000000", 7, ""),
            ("b", "configuration b.yaml", "config", "10051.5", "0.00515000", "0.00015000", 9, ""),
            ("c", "configuration c.yaml", "config", None, None, None, 0, "c.yaml cannot be used: <b>no</b> such file"),
        )
    ],
    "tests": [
        {
            "name": name,
            "against": against,
            "standing": standing,
            "blocks": 44,
            "burn_in": 30,
            "block_ms": 86_400_000,
            "alpha": 0.05,
            "mean": 0.0004,
            "low": low,
            "high": 0.0009,
            "decided_after": decided,
            "told": told,
        }
        for name, against, standing, low, decided, told in (
            ("b", "desk", "better", 0.0001, 41, "b is better than the desk by 0.0400% a day: decided after 41"),
            ("b", "twin", "undecided", -0.0001, 0, "no decision yet: the interval of b less twin contains 0"),
        )
    ],
}
START_MS = 1_733_011_200_000  # 2024-12-01T00:00Z


@dataclass
class FakeDesk:
    """A coordinator that answers from its fields; `down` makes it unavailable."""

    down: bool = False
    ready: bool = True
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    settles: bool = True
    controls: list[tuple[str, str, str]] = field(default_factory=list)
    feed: dict[str, Any] = field(default_factory=lambda: {"kind": "simulated", "ended": False})
    votes: tuple[Ballot, ...] = ()
    debate: Debate | None = None
    venues: list[dict[str, Any]] = field(default_factory=lambda: [dict(PAPER_VENUE)])
    quality: dict[str, Any] = field(default_factory=dict)
    shadow_rows: dict[str, Any] | None = None
    cycles: int = 0
    working: dict[str, Order] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    gathering: Gathering = field(default_factory=Gathering)
    pushed: dict[str, list[Sample]] = field(default_factory=dict)
    audited: list[AuditRecord] = field(default_factory=list)

    def _answer(self) -> None:
        if self.down:
            raise ActorUnavailable("coordinator did not answer within 5 s")

    async def wake(self) -> None:
        self.woken.set()
        self._answer()

    async def wait_signal(self, signal_id: str, timeout_s: float) -> dict[str, Any] | None:
        self._answer()
        return {"signal_id": signal_id} if self.settles else None

    async def decide(self, symbol: str) -> dict[str, Any]:
        self._answer()
        if not self.votes:
            raise DataError(f"no bar of {symbol} was taken in yet")
        scores = (("debate", 0.55), ("models", 0.15), ("final", 0.7))
        weights = tuple((b.agent, 0.5) for b in self.votes if isinstance(b, Vote))
        verdict = Verdict(symbol, START_MS, Action.BUY, Action.BUY, 0.8, 0.7, 0.6, scores, weights)
        ballots = list(self.votes)
        return {"symbol": symbol, "close_ms": START_MS, "ballots": ballots, "verdict": verdict, "debate": self.debate}

    async def control(self, control_id: str, state: str, reason: str) -> dict[str, Any]:
        self._answer()
        self.controls.append((control_id, state, reason))
        return {"state": state, "reason": reason}

    async def cancel(self, request_id: str, client_order_ids: Sequence[str]) -> list[Order]:
        self._answer()
        wanted = client_order_ids or tuple(self.working)
        return [self.working.pop(key) for key in wanted if key in self.working]

    async def replace(self, request_id: str, client_order_id: str, change: Change) -> Order | None:
        self._answer()
        self.changes[client_order_id] = change
        return self.working.get(client_order_id)

    async def audit(self, records: Sequence[AuditRecord]) -> None:
        self._answer()
        self.audited.extend(records)

    async def status(self) -> dict[str, Any]:
        self._answer()
        return {
            "run_id": "run-1",
            "ready": self.ready,
            "trading": TradingState.ACTIVE,
            "feed": self.feed,
            "symbols": ["BTC/USDT", "ETH/USDT"],
            "clock_ms": START_MS,
            "last_bar_ms": {"BTC/USDT": START_MS},
            "cycles": self.cycles,
            "open_orders": 0,
            "trouble": "",
            "lease": {"held": True, "epoch": 3, "until_ms": START_MS},
            "quality": self.quality,
            "venues": self.venues,
        }

    async def agents(self) -> list[dict[str, Any]]:
        self._answer()
        names = ("journal", "feed", "short_term", "mid_term", "long_term", "risk", "connector:paper", "coordinator")
        rows: list[dict[str, Any]] = [
            {
                "name": name,
                "up": True,
                "state": "ready",
                "restarts": 0,
                "pid": 4000 + index,
                "node": "127.0.0.1",
                "started_ms": START_MS,
            }
            for index, name in enumerate(names)
        ]
        rows[3] |= {"restarts": 1}
        rows[4] |= {"up": False, "state": "not answering", "restarts": 2}
        return rows

    async def shadows(self) -> dict[str, Any]:
        self._answer()
        if self.shadow_rows is None:
            raise ActorUnavailable("shadows.told: ValueError")
        return self.shadow_rows

    async def metrics(self) -> str:
        self._answer()
        return self.gathering.page(0)

    async def push(self, source: str, samples: list[Sample]) -> None:
        self._answer()
        self.pushed[source] = samples
        self.gathering.push(source, samples, 0)


def job_row(number: int, state: str = "done", **changes: Any) -> dict[str, Any]:
    """A job as the actor tells it."""
    done = state == "done"
    return {
        "id": f"{START_MS + number:011x}-{number:016x}",
        "kind": "backtest",
        "label": "",
        "strategy": "sma_cross",
        "data": ["BTCUSDT-1h.csv.gz"],
        "state": state,
        "progress": 1.0 if done else 0.25,
        "doing": "" if done else "SMA(50) over SMA(200): 250 of 1000",
        "cancelling": False,
        "created_ms": START_MS + number,
        "started_ms": START_MS + number,
        "ended_ms": START_MS + number if done else 0,
        "first_line": "LOSES to buy and hold" if done else "",
        "summary": {"return": -0.02} if done else {},
        "error": "its process was <b>killed</b>" if state == "failed" else "",
        **changes,
    }


@dataclass
class FakeJobs:
    """The jobs' actor: takes what `accepted` would, keeps rows, has a file for each that is done."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    full: bool = False
    down: bool = False

    def _answer(self) -> None:
        if self.down:
            raise ActorUnavailable("jobs.job did not answer within 30 s")

    async def submit(self, content: bytes) -> dict[str, Any]:
        self._answer()
        spec = read_spec(content)
        if self.full:
            raise JobRefused("queue_full", "50 jobs wait already; try again later")
        row = job_row(100 + len(self.rows), "queued", kind=spec.kind, label=spec.label, strategy=spec.strategy)
        self.rows[row["id"]] = row
        return row

    async def jobs(self, cursor: str, limit: int) -> tuple[list[dict[str, Any]], str]:
        self._answer()
        older = sorted((key for key in self.rows if not cursor or key < cursor), reverse=True)
        return [self.rows[key] for key in older[:limit]], older[limit - 1] if len(older) > limit else ""

    async def job(self, job_id: str) -> dict[str, Any] | None:
        self._answer()
        return self.rows.get(job_id)

    async def cancel(self, job_id: str) -> dict[str, Any] | None:
        self._answer()
        if job_id in self.rows and self.rows[job_id]["state"] in ("queued", "running"):
            self.rows[job_id] |= {"state": "cancelled"}
        return self.rows.get(job_id)

    async def file(self, job_id: str, name: str) -> bytes | None:
        self._answer()
        if job_id not in self.rows or self.rows[job_id]["state"] != "done":
            return None
        return {"report": b"<!doctype html><title>Report</title>", "result": b'{"first_line": "LOSES"}'}[name]

    async def logs(self, job_id: str, most: int) -> tuple[str, int] | None:
        self._answer()
        return ("the end of it\n"[-most:], 14) if job_id in self.rows else None
