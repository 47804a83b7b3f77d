"""How well the minds' claims fit what happened, over a whole run at once: `reflection.calibration` as arrays.

The claims, bins and scores are that module's, to the last bit (a test holds them together); what waits there in rings
is looked up here. A claim made at t with horizon h has its outcome at the bar that opened h bar lengths later, or none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fks_actors.adapters.feeds.columns import Floats, Ints
from fks_actors.backtest.report.document import Bin, Fit
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.scores import ONE, Record, score


@dataclass(slots=True)
class Claims:
    """What one mind claimed of one symbol: bars' open times (ascending) and confidences, below 0 for a SELL.

    A HOLD claims nothing.
    """

    times: list[int] = field(default_factory=list)
    leans: list[float] = field(default_factory=list)


Closes = Mapping[str, tuple[Ints, Floats]]
"""Each symbol's bars: open times and closes."""


def fit(
    agent: str, claims: Mapping[str, Claims], closes: Closes, interval_ms: int, config: ReflectionConfig
) -> Fit | None:
    """The mind's curve over all symbols; None where it has no horizon or no outcome."""
    horizon = config.horizons.get(agent)
    if horizon is None:
        return None
    record = Record([[0, 0, 0] for _ in range(config.bins)])
    for symbol, said in claims.items():
        if said.times and symbol in closes:
            _add(record, said, closes[symbol], horizon, interval_ms)
    found = score(agent, horizon, None, (record,))
    if found is None:
        return None
    bins = tuple(Bin(n, claimed / n / ONE, rises / n) for n, rises, claimed in record.bins if n)
    return Fit(agent, horizon, found.outcomes, found.independent, found.brier, found.skill, found.error, bins)


def _add(record: Record, said: Claims, bars: tuple[Ints, Floats], horizon: int, interval_ms: int) -> None:
    times, closes = bars
    made = np.array(said.times, dtype=np.int64)
    lean = np.array(said.leans)
    claimed = ONE // 2 + np.copysign(np.rint(np.abs(lean) * ONE / 2), lean).astype(np.int64)
    here, there = np.searchsorted(times, made), np.searchsorted(times, made + horizon * interval_ms)
    due = there < len(times)
    due[due] = times[there[due]] == made[due] + horizon * interval_ms
    covers = np.minimum(np.diff(made // interval_ms, append=made[-1] // interval_ms + horizon), horizon)
    claimed, covers = claimed[due], covers[due]
    rose = (closes[there[due]] > closes[here[due]]).astype(np.int64)
    cells = np.minimum(claimed * len(record.bins) // ONE, len(record.bins) - 1)
    for row, weights in enumerate((np.ones_like(claimed), rose, claimed)):
        sums = np.bincount(cells, weights, minlength=len(record.bins)).astype(np.int64)
        for at, whole in enumerate(sums.tolist()):
            record.bins[at][row] += whole
    record.squares += int(((claimed - ONE * rose) ** 2).sum())
    record.covered += int(covers.sum())
