"""What a sweep found: a row for each set; beside the best what luck alone would have shown, and buy and hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from fks_actors.backtest.metrics import NO_SPREAD
from fks_actors.backtest.sweep.ports import DRAWDOWN, EXPOSED, FEES, FINAL, SQUARES, SUM, THIN, TRIPS, Floats, Whole

LIKELY = 0.95
"""The deflated Sharpe ratio from which a result is called more than luck."""


@dataclass(frozen=True, slots=True)
class Best:
    """The set with the highest Sharpe ratio: its place, and how sure it is, 0..1, that it is better than the best of so
    many useless sets (`significance.deflated_sharpe`); None where that is not defined."""

    place: int
    deflated: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """A rule's sets over the same bars, all from `cash` (quote).

    `sets` has the parameters `names`, a row for each set; `figures` what came of it. `a_year` bars make a year;
    `hold` is what buy and hold came to by the same account, as a fraction.
    """

    rule: str
    names: tuple[str, ...]
    sets: Floats
    figures: Floats
    bars: int
    a_year: float
    cash: float
    hold: float
    best: Best | None

    @property
    def tried(self) -> int:
        """How many sets were tried."""
        return len(self.sets)

    @property
    def final(self) -> Floats:
        """Equity at the end, quote."""
        return self.figures[:, FINAL]

    @property
    def gained(self) -> Floats:
        """The whole return, a fraction."""
        return self.figures[:, FINAL] / self.cash - 1.0

    @property
    def drawdown(self) -> Floats:
        """The deepest fall of equity from its peak, 0..1."""
        return self.figures[:, DRAWDOWN]

    @property
    def trips(self) -> Floats:
        """Closed round trips."""
        return self.figures[:, TRIPS]

    @property
    def fees(self) -> Floats:
        """Fees paid, quote."""
        return self.figures[:, FEES]

    @property
    def exposed(self) -> Floats:
        """The share of the bars at whose close something was held."""
        return self.figures[:, EXPOSED] / self.bars

    @property
    def thin(self) -> Floats:
        """Fills larger than `Costs.volume_share` of their bar's volume: at a venue they would have taken longer."""
        return self.figures[:, THIN]

    @property
    def sharpe(self) -> Floats:
        """The Sharpe ratio of a year (as `metrics`); NaN where it is not defined."""
        return sharpes(self.figures, self.bars) * sqrt(self.a_year)

    def ranked(self) -> Whole:
        """The places of the sets by Sharpe ratio, the highest first; those without one last."""
        found: Whole = np.argsort(-np.nan_to_num(self.sharpe, nan=-np.inf), kind="stable")
        return found

    def rows(self, most: int | None = None) -> Iterator[dict[str, float | None]]:
        """The sets by Sharpe ratio, the highest first, as facts."""
        told = {name: getattr(self, name) for name in ("final", "gained", "drawdown", "trips", "fees", "exposed")}
        told |= {"thin": self.thin, "sharpe": self.sharpe}
        for place in self.ranked()[:most]:
            row = dict(zip(self.names, self.sets[place].tolist(), strict=True))
            facts = {name: float(column[place]) for name, column in told.items()}
            yield row | {name: None if value != value else value for name, value in facts.items()}

    def headline(self) -> str:
        """The first line: the best set against flat and buy and hold, after costs, and what luck has to do with it."""
        many = self.tried > 1
        if self.best is None:
            none = f"None of {self.tried:,} sets of {self.rule}" if many else f"The set of {self.rule} that was tried"
            return f"{none} {'ever' if many else 'never'} traded: 0.00% against {self.hold:+.2%} buy and hold."
        tried = f"the best of {self.tried:,} sets of {self.rule}" if many else f"the one set of {self.rule}"
        named = zip(self.names, self.sets[self.best.place].tolist(), strict=True)
        which = ", ".join(f"{name} {value:g}" for name, value in named)
        gained = float(self.gained[self.best.place])
        words = {
            (True, True): "beats flat and buy and hold",
            (True, False): "beats flat but NOT buy and hold",
            (False, True): "does NOT beat flat, though it beats buy and hold",
            (False, False): "beats NEITHER flat NOR buy and hold",
        }[(gained > 0.0, gained > self.hold)]
        sure = self.best.deflated
        luck = "not defined" if sure is None else f"{sure:.2f}"
        more = "" if sure is not None and sure >= LIKELY else ", no more than luck" + " among so many" * many
        return (
            f"After costs {tried} ({which}) {words}: {gained:+.2%} against {self.hold:+.2%}; "
            f"deflated Sharpe {luck}{more}."
        )


def sharpes(figures: Floats, bars: int) -> Floats:
    """The Sharpe ratios of one bar's return (n - 1); NaN without variance."""
    count = bars - 1
    if count < 2:
        return np.full(len(figures), np.nan)
    mean = figures[:, SUM] / count
    spread = np.sqrt(np.maximum(figures[:, SQUARES] / count - mean**2, 0.0) * count / (count - 1))
    found: Floats = np.divide(mean, spread, out=np.full(len(figures), np.nan), where=spread > NO_SPREAD)
    return found
