"""One symbol's instance of a strategy and what it said last; how it fails, and how it is known again.

Failing
    It raises (or takes too long, or leaves): it abstains FAILED with the error's text, on that bar and on all that
    follow, for what it holds may be half changed. It is not asked again until it is another strategy: other code or
    other parameters. A restart changes nothing of that, for it is the same bars that would be shown.
    It answers something that is no answer: it abstains FAILED with what it gave, and is asked again on the next bar.

Known again, after a crash or at a start, from a snapshot (every 256 bars) and the bars after it
    bit for bit     where it has `state()` and `restore()` that tell all it knows;
    bit for bit     without them, where all that it knows are attributes of `self` that are plain data (`plain`): those
                    are told in its place;
    from its bars   otherwise: a fresh instance is shown the last `memory_bars` bars before the snapshot. That is bit
                    for bit where no answer depends on an earlier bar.
"""

import logging
from collections.abc import Iterable
from typing import Any

from fks_actors.errors import StrategyOverrun
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Ballot
from fks_actors.strategies.answers import Fault, Judged, ballot, judged
from fks_actors.strategies.faults import THEIRS, line_of, told
from fks_actors.strategies.plain import NotPlain, packed, unpacked
from fks_actors.strategies.port import Opinion
from fks_actors.strategies.source import Kind
from fks_actors.strategies.watch import Overrun, Watch

_log = logging.getLogger(__name__)

_BARS = "bars"


class _Bare:
    """A class without slots, whose instances hold nothing but their attributes."""


class Held:
    """Shows an instance its bars.

    Args:
        kind: what it is an instance of.
        watch: how long it may think on a bar.
        ends_run: a bar that takes too long raises StrategyOverrun; else the strategy fails of it.
    """

    __slots__ = ("_asked", "_ends_run", "_fault", "_instance", "_kind", "_said", "_watch", "bars", "symbol", "unknown")

    def __init__(self, kind: Kind, watch: Watch, ends_run: bool = False) -> None:
        self.bars = 0
        self.unknown = False
        """Whether it must be shown its bars again before it is asked (`recall`)."""
        self._kind = kind
        self._watch = watch
        self._ends_run = ends_run
        self.symbol = ""
        self._fault = ""
        self._said: Any = None
        self._begin()

    def _begin(self) -> None:
        self._instance: Any = None
        try:
            self._instance = self._kind.new()
            self._asked = self._instance.on_bar
        except THEIRS as error:
            self._fail(error)

    @property
    def required(self) -> int:
        """It says itself when it has seen enough."""
        return 0

    @property
    def warm(self) -> bool:
        """It says itself when it has seen enough."""
        return True

    def update(self, candle: Candle) -> None:
        """Show the next closed bar.

        Raises:
            StrategyOverrun: it took too long, and that ends the run.
        """
        self.bars += 1
        if not self._fault:
            self.symbol = candle.symbol
            self._show(candle)

    def ballot(self, candle: Candle) -> Ballot:
        """What it said of the bar that it was shown last."""
        return ballot(self._kind.name, candle, Fault(self._fault) if self._fault else judged(self._said))

    def recall(self, candles: Iterable[Candle]) -> None:
        """Show a fresh instance the bars that were seen before, where nothing else tells what it knew."""
        if not self.unknown:
            return
        self.unknown = False
        self._begin()
        for candle in candles:
            if self._fault:
                return
            self._show(candle)

    def _show(self, candle: Candle) -> None:
        watch = self._watch
        try:
            watch.enter()
            try:
                self._said = self._asked(candle)
            finally:
                watch.leave()
        except Overrun as error:
            self._overran(candle, error)
        except THEIRS as error:
            self._fail(error)

    def _overran(self, candle: Candle, error: Overrun) -> None:
        limit_s, line = self._watch.limit_s, line_of(error, self._kind.file)
        where = f"{self._kind.file}, line {line}" if line else self._kind.file
        if self._ends_run:
            raise StrategyOverrun(self._kind.name, candle.symbol, candle.ts_ms, limit_s, where) from None
        self._fault = f"the bar {candle.ts_ms} took longer than {limit_s:g} s ({where})"
        _log.warning("strategy is too slow", extra={"agent": self._kind.name, "symbol": candle.symbol})

    def _fail(self, error: BaseException) -> None:
        self._fault = told(error, self._kind.file)
        _log.warning("strategy failed: %s", self._fault, extra={"agent": self._kind.name, "symbol": self.symbol})

    # --- how it is known again ---

    def state(self) -> dict[str, Any]:
        """What the next answers depend on, JSON-able."""
        how, knows = (_BARS, None) if self._fault else self._known()
        said = None if how == _BARS else _written(judged(self._said))
        return {
            "bars": self.bars,
            "symbol": self.symbol,
            "fault": self._fault,
            "said": said,
            "how": how,
            "knows": knows,
        }

    def _known(self) -> tuple[str, Any]:
        instance = self._instance
        try:
            if callable(getattr(instance, "state", None)) and callable(getattr(instance, "restore", None)):
                return "state", packed(instance.state())
            if not _all_in_dict(type(instance)):
                return _BARS, None
            return "attributes", packed(vars(instance))
        except NotPlain:
            return _BARS, None
        except THEIRS as error:
            _log.warning("state() failed: %s", told(error, self._kind.file), extra={"agent": self._kind.name})
            return _BARS, None

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()` of one of the same kind; where `unknown`, hand it its bars by `recall`."""
        self.bars, self.symbol, self._fault = int(state["bars"]), str(state["symbol"]), str(state["fault"])
        how, knows, self._said = state["how"], unpacked(state["knows"]), _read(state["said"])
        self.unknown = how == _BARS and not self._fault
        if self._fault or self.unknown:
            return
        try:
            if how == "state":
                self._instance.restore(knows)
            else:
                attributes = vars(self._instance)
                attributes.clear()
                attributes.update(knows)
        except THEIRS as error:
            self._fail(error)


def _all_in_dict(cls: type[Any]) -> bool:
    """Whether `vars` of an instance holds all that it knows."""
    return cls.__basicsize__ == _Bare.__basicsize__


def _written(said: Judged) -> Any:
    match said:
        case Opinion(action=action, confidence=confidence, reason=reason):
            return ["opinion", action, confidence, reason]
        case Fault(text=text):
            return ["fault", text]
        case _:
            return said


def _read(told: Any) -> Judged:
    match told:
        case ["opinion", action, confidence, reason]:
            return Opinion(action, confidence, reason)
        case ["fault", text]:
            return Fault(text)
        case None:
            return None
        case _:
            return float(told)
