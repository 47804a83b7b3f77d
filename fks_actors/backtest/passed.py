"""Batches that a run passed over, because there was nothing to do: told in full only when somebody asks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar, overload

from msgspec.structs import replace

from fks_actors.backtest.grid import Grid
from fks_actors.model.candles import to_money
from fks_actors.model.records import EquityPoint
from fks_actors.risk.engine import point
from fks_actors.risk.messages import RiskState

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """The batches from `begin` to before `end`, and the account through all of them: `state` as of the batch before."""

    begin: int
    end: int
    state: RiskState

    def points(self, grid: Grid) -> Iterator[EquityPoint]:
        """The account at each batch's close."""
        peak = self.state.peak_equity
        columns = [grid.columns[s].close[grid.rows[s][self.begin : self.end]].tolist() for s in grid.symbols]
        times = grid.times[self.begin : self.end].tolist()
        for ts_ms, *closes in zip(times, *columns, strict=True):
            marks = {**self.state.marks, **dict(zip(grid.symbols, map(to_money, closes), strict=True))}
            found = point(replace(self.state, marks=marks, peak_equity=peak), ts_ms + grid.interval_ms)
            peak = max(peak, found.equity)
            yield found


Telling = Callable[[Passed], Iterator[T]]
"""Tells the rows of each stretch of a run, in order."""


class Rows(Sequence[T]):
    """What was recorded of every batch, those that were passed over too: made as it is read. Reading it is work: read it
    once, in order."""

    def __init__(self, kept: Sequence[T | Passed], length: int, tell: Callable[[], Telling[T]]) -> None:
        self._kept, self._length, self._tell = kept, length, tell

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        told = self._tell()
        for row in self._kept:
            if isinstance(row, Passed):
                yield from told(row)
            else:
                yield row

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        """One row, or several; the last one without reading the others where it was recorded as it is."""
        if isinstance(at, slice):
            return list(self)[at]
        if at < 0:
            at += self._length
        if not 0 <= at < self._length:
            raise IndexError(at)
        last = self._kept[-1]
        if at == self._length - 1 and not isinstance(last, Passed):
            return last
        return next(islice(self, at, None))


def points_of(kept: Sequence[EquityPoint | Passed], grid: Grid) -> Rows[EquityPoint]:
    """The account at every batch."""
    length = sum(row.end - row.begin if isinstance(row, Passed) else 1 for row in kept)
    return Rows(kept, length, lambda: lambda row: row.points(grid))
