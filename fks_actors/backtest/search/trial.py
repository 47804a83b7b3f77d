"""One block of one trial: settings over bars, a pure function, and what is kept of it."""

import asyncio
import dataclasses
import hashlib
import zlib
from decimal import Decimal

import msgspec
import numpy as np

from fks_actors.backtest.metrics import Floats
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result, run_past
from fks_actors.backtest.search.space import Tree, settings_of
from fks_actors.backtest.search.splits import Range
from fks_actors.errors import FksError


class Task(msgspec.Struct, frozen=True):
    """What to run: block number `block`, `bars`, of trial `number`, with the settings of `tree`."""

    number: int
    block: int
    bars: Range
    warm: int
    tree: Tree


class Outcome(msgspec.Struct, frozen=True):
    """What came of a block: `final` equity and `fees` in quote as decimal text, `equity_sha256` of every point of the
    curve, and the return of each bar, packed."""

    final: str
    fees: str
    fills: int
    equity_sha256: str
    packed: bytes

    @property
    def returns(self) -> Floats:
        """Simple returns, one a bar."""
        return np.frombuffer(zlib.decompress(self.packed), dtype="<f8")


class Refused(msgspec.Struct, frozen=True):
    """Why a block could not be run: the settings do not go together, or a strategy failed."""

    reason: str


def cut(past: Past, bars: Range, warm: int) -> Past:
    """The same recording, traded within `bars` and learnt from before."""
    return dataclasses.replace(past, begin=bars[0], end=bars[1], warm=warm)


def run_task(past: Past, task: Task) -> Outcome | Refused:
    """Run one block. A trial that cannot be run is told, whatever its settings or a user's strategy raised."""
    try:
        settings = settings_of(task.tree)
        part = cut(past, task.bars, task.warm)
        return outcome(asyncio.run(run_past(settings, part)), part)
    except FksError as error:
        return Refused(str(error))
    except Exception as error:  # noqa: BLE001 (a strategy is a user's code and may raise anything; the search goes on)
        return Refused(f"{type(error).__name__}: {error}")


def outcome(result: Result, part: Past) -> Outcome:
    """What is kept of a run."""
    digest = hashlib.sha256()
    by_time: dict[int, float] = {}
    for point in result.equity:
        digest.update(f"{point.ts_ms} {point.equity}\n".encode())
        by_time[point.ts_ms] = float(point.equity)
    returns = _returns(by_time, part, result.cash)
    packed = zlib.compress(returns.astype("<f8").tobytes(), 1)
    return Outcome(format(result.final, "f"), format(result.fees, "f"), len(result.fills), digest.hexdigest(), packed)


def _returns(by_time: dict[int, float], part: Past, cash: Decimal) -> Floats:
    """One return a bar: of the last equity known by its close to the one before; -1 at ruin, and 0 from there on."""
    known = np.array(sorted(by_time), dtype=np.int64)
    values = np.array([float(cash), *(by_time[ts_ms] for ts_ms in known.tolist())])
    closes = part.times[part.begin : part.end] + part.info.interval_ms
    equity = np.concatenate(([float(cash)], values[np.searchsorted(known, closes, side="right")]))
    ruined = np.flatnonzero(equity <= 0.0)
    if len(ruined):
        equity[ruined[0] :] = 0.0
    before = equity[:-1]
    found: Floats = np.divide(equity[1:], before, out=np.ones_like(before), where=before > 0.0) - 1.0
    return found
