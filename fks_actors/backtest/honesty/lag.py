"""One bar late: each mind says at a bar what it would have said at the bar before. Everything else is as it was.

A result that lives on being first to a price loses it here. A strategy of slow signals hardly notices; one whose profit
turns into a loss trades on something that a real order would not have caught, or on a bar that it should not have seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from msgspec.structs import replace as restamped

from fks_actors.backtest.council import council
from fks_actors.backtest.honesty.findings import percent
from fks_actors.backtest.minds import Decide
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result, run_past
from fks_actors.desk.mind import BarMind, Craft
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


def late_craft(craft: Craft[Any]) -> Craft[Any]:
    """The same kind of mind, saying of each bar what it had to say of the symbol's bar before.

    It has nothing to say of the first bar that it votes on.
    """
    before: dict[str, Ballot] = {}

    def vote(features: Any, candle: Candle) -> Ballot:
        nothing = Abstain(craft.agent, candle.symbol, candle.ts_ms, AbstainReason.WARMING_UP, "one bar late")
        said, before[candle.symbol] = before.get(candle.symbol, nothing), craft.vote(features, candle)
        return restamped(said, ts_ms=candle.ts_ms)

    return replace(craft, vote=vote)
