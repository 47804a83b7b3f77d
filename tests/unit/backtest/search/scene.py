"""A small search: a recording of waves, and workers whose trials are worth what a formula says."""

import dataclasses
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.past import Past
from fks_actors.backtest.search.drive import Search, Told, Workers
from fks_actors.backtest.search.go import read_search
from fks_actors.backtest.search.record import SearchSpec
from fks_actors.backtest.search.space import base_tree, parse_axis
from fks_actors.backtest.search.splits import Plan
from fks_actors.backtest.search.store import Store
from fks_actors.backtest.search.trial import Outcome, Refused, Task
from fks_actors.settings import Settings

HOUR = 3_600_000
START = 1_709_251_200_000
SETTINGS = Settings(agents=AgentsConfig(minds=("short_term",)))
AXES = tuple(
    parse_axis(text, SETTINGS)
    for text in ("risk.per_trade_pct=1:50:1", "agents.debate.threshold=0.1:0.9", "risk.sizing=fixed_pct,volatility")
)


def recording(folder: Path, bars: int, name: str = "BTCUSDT-1h.csv", turn: float = 9.0) -> Path:
    """Hourly bars on a wave."""
    path, price = folder / name, 100.0
    rows = ["timestamp,open,high,low,close,volume"]
    for n in range(bars):
        close = price * math.exp(0.01 * math.sin(n / turn) + 0.003 * math.sin(n * n))
        rows.append(f"{START + n * HOUR},{price!r},{max(price, close)!r},{min(price, close)!r},{close!r},10.0")
        price = close
    path.write_text("\n".join(rows) + "\n")
    return path


def spec_of(path: Path, **changes: Any) -> SearchSpec:
    """A search of eight trials over four tests."""
    usual: dict[str, Any] = {"trials": 8, "warm": 20, "cv": "purged:4:purge=3:embargo=2"}
    return SearchSpec(
        **{"study": "toy", "data": (str(path),), "tree": base_tree(SETTINGS), "axes": AXES, **usual, **changes}
    )


class Toy(Workers):
    """Runs no desk: a block's returns follow from the trial's `risk.per_trade_pct` and the bars (drive.Workers).

    Args:
        stop_after: as many blocks are done, then the driver is interrupted with the next one lost.
    """

    def __init__(
        self, limit: int = 1, stop_after: int | None = None, worth: Callable[[Task], float] | None = None
    ) -> None:
        self.limit = limit
        self.ran: list[tuple[int, int]] = []
        self.most = 0
        self.cancelled = False
        self._stop_after = stop_after
        self._worth = worth or (lambda task: float(task.tree["risk"]["per_trade_pct"]) / 50.0)
        self._line: list[Task] = []

    def submit(self, task: Task) -> None:
        """Put in line."""
        self._line.append(task)
        self.most = max(self.most, len(self._line))

    def next(self) -> tuple[Task, Outcome | Refused]:
        """The last in line, as if the others took longer."""
        if self._stop_after is not None and len(self.ran) >= self._stop_after:
            raise KeyboardInterrupt
        task = self._line.pop()
        self.ran.append((task.number, task.block))
        worth = self._worth(task)
        if math.isnan(worth):
            return task, Refused("it cannot be run")
        return task, toy_outcome(task, worth)

    def cancel(self) -> None:
        """Forget the line."""
        self.cancelled = True
        self._line.clear()


def toy_outcome(task: Task, worth: float) -> Outcome:
    """Returns with a mean of `worth` thousandths, and noise that follows from trial and bars."""
    rng = np.random.default_rng([task.number, *task.bars])
    returns = worth / 1_000.0 + rng.normal(0.0, 0.001, task.bars[1] - task.bars[0])
    packed = zlib.compress(returns.astype("<f8").tobytes())
    return Outcome("10000", "0", 1, f"{task.number}-{task.block}", packed)


async def read_toy(folder: Path, **changes: Any) -> tuple[SearchSpec, Past, Plan]:
    """The spec, its bars and its plan."""
    spec = spec_of(recording(folder, 200), **changes)
    past, planned, _ = await read_search(spec)
    return spec, past, planned


@contextmanager
def opened(folder: Path, spec: SearchSpec, plan: Plan, resume: bool = False) -> Iterator[Store]:
    """A store of the study, closed at the end."""
    store = (Store.reopen if resume else Store.create)(folder, spec, len(plan.blocks))
    with closing(store):
        yield store


def searched(
    folder: Path, spec: SearchSpec, past: Past, plan: Plan, workers: Workers, resume: bool = False
) -> tuple[list[Any], list[Told]]:
    """Run a search; the trials as they were kept, and what was told."""
    told: list[Told] = []
    with opened(folder, spec, plan, resume) as store:
        Search(store, past, plan, workers, told.append).run()
        return [msgspec.to_builtins(each) for each in store.kept()], told


def shorter(past: Past, end: int) -> Past:
    """The recording up to a bar."""
    return dataclasses.replace(past, end=end)
