"""One bar late: each mind says at a bar what it would have said at the bar before. Everything else is as it was.

A result that lives on being first to a price loses it here. A strategy of slow signals hardly notices; one whose profit
turns into a loss trades on something that a real order would not have caught, or on a bar that it should not have seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec.structs import replace as restamped

from fks_actors.backtest.council import council
from fks_actors.backtest.honesty.findings import percent
from fks_actors.backtest.minds import Decide
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result, run_past
from fks_actors.desk.mind import BarMind, Craft, Features
from fks_actors.model.candles import Candle
from fks_actors.model.votes import Abstain, AbstainReason, Ballot
from fks_actors.settings import Settings

_MOST = Decimal("0.5")


@dataclass(frozen=True, slots=True, eq=False)
class Lagged:
    """`result` is the late run. `gained` and `late` are the whole returns of both, as fractions."""

    result: Result
    gained: Decimal
    late: Decimal

    @property
    def ratio(self) -> Decimal | None:
        """What is left of the return, late / gained; None where nothing was gained or lost."""
        return self.late / self.gained if self.gained else None

    @property
    def undone(self) -> bool:
        """Whether a profit became none."""
        return self.gained > 0 >= self.late

    @property
    def is_warning(self) -> bool:
        """Whether a profit is gone, or more than half of it."""
        return self.undone or (self.gained > 0 and self.late < self.gained * _MOST)

    @property
    def sentence(self) -> str:
        """What to tell."""
        both = f"Acted on one bar later the return is {percent(self.late)} instead of {percent(self.gained)}"
        if self.undone:
            return f"{both}: one bar of lag turns the profit into a loss, so do not trust it."
        if self.ratio is None or self.gained < 0:
            return f"{both}."
        return f"{both}: {self.ratio * 100:.0f} % of it is left."


async def lagged(
    settings: Settings,
    past: Past,
    result: Result,
    decide: Decide | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
    minds: Callable[[], list[BarMind]] | None = None,
) -> Lagged:
    """Run again with every vote one bar late, and hold it against `result`.

    Args:
        settings, past, decide: as for the run.
        result: what came of it.
        told: hears (batches done, batches in all).
        minds: makes the minds of the run, new ones at every call; None: those of the settings.

    Raises:
        ConfigError: a mind cannot be opened.
    """

    def late() -> list[BarMind]:
        usual = minds() if minds else council(settings, past.info.interval_ms)
        return [BarMind(late_craft(mind.craft)) for mind in usual]

    other = await run_past(settings, past, decide, told, minds=late)
    return Lagged(other, result.final / result.cash - 1, other.final / other.cash - 1)


class LateFeatures:
    """A mind's features, and what it had to say before it saw the last bar.

    Args:
        craft: the mind's kind.
    """

    def __init__(self, craft: Craft[Any]) -> None:
        self._craft = craft
        self._usual: Features = craft.blank()
        self._last: Candle | None = None
        self.said: Ballot | None = None

    @property
    def bars(self) -> int:
        """Bars observed."""
        return self._usual.bars

    @property
    def required(self) -> int:
        """Bars before the usual mind can vote."""
        return self._usual.required

    @property
    def warm(self) -> bool:
        """Whether the usual mind can vote."""
        return self._usual.warm

    def update(self, candle: Candle) -> None:
        """Keep what there was to say, then take in the next bar."""
        self.said = self._craft.vote(self._usual, self._last) if self._last is not None and self.warm else None
        self._usual.update(candle)
        self._last = candle

    def state(self) -> dict[str, Any]:
        """Those of the usual mind."""
        return self._usual.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Continue; of the first bar after it there is nothing to say."""
        self._usual.restore(state)
        self._last = self.said = None


def late_craft(craft: Craft[Any]) -> Craft[Any]:
    """The same kind of mind, saying of each bar what it had to say of the symbol's bar before.

    It has nothing to say of the first bar that the usual one votes on.
    """

    def vote(features: LateFeatures, candle: Candle) -> Ballot:
        if features.said is None:
            return Abstain(craft.agent, candle.symbol, candle.ts_ms, AbstainReason.WARMING_UP, "one bar late")
        return restamped(features.said, ts_ms=candle.ts_ms)

    return Craft(craft.agent, craft.capacity, craft.periods, lambda: LateFeatures(craft), vote)
