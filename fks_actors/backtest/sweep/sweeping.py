"""Many sets of a rule over the same bars. What it does not model is said here; an event-driven run has all of it.

Like `run_past` of the rule as the only mind that decides, at full strength, in one symbol: the same fills at the same
bars, and equity within the share TOLERANCE of it and, beside that, a step's worth for each fill (floats here, Decimal
there). It knows no participation (fills above it are counted), no pause for doubtful data, no daily loss or drawdown
limit, and no protective orders. It searches: whoever picks the best of many picks luck as well, so the deflated Sharpe
ratio stands beside it.
"""

from dataclasses import fields
from itertools import chain

import numpy as np

from fks_actors.adapters.feeds.columns import Columns, Ints
from fks_actors.backtest.metrics import YEAR_MS
from fks_actors.backtest.past import Past
from fks_actors.backtest.significance import deflated_sharpe, moments
from fks_actors.backtest.sweep.costs import Costs
from fks_actors.backtest.sweep.ports import FINAL, Floats, Job, Spread, Told
from fks_actors.backtest.sweep.rules import Grid, Rule, rule_named
from fks_actors.backtest.sweep.table import Best, Sweep, sharpes
from fks_actors.errors import ConfigError, DataError
from fks_actors.settings import Settings

TOLERANCE = 1e-9
"""How far, as a fraction, equity may lie from that of the event-driven run, beside what rounding to steps makes."""

ROOM_BYTES = 128 * 2**20
"""What the features may take together, in a process."""


def sweep(
    columns: Columns,
    rule: str,
    grid: Grid,
    costs: Costs,
    cash: float = 10_000.0,
    *,
    told: Told = lambda done, total: None,
    spread: Spread | None = None,
    room_bytes: int = ROOM_BYTES,
    learnt: int = 0,
) -> Sweep:
    """Try every set of the grid.

    Args:
        columns: the bars of one symbol.
        rule: its name, one of `rules.RULES`.
        grid: the values to try, by parameter.
        costs: what trading costs.
        cash: what each set starts with, in quote.
        told: hears (sets done, sets in all) now and then.
        spread: evaluates the sets elsewhere; None for this process.
        room_bytes: for the features; fewer bytes take more time, nothing else.
        learnt: bars at the beginning that the indicators see, and that are not traded.

    Raises:
        ConfigError: rule or grid cannot be used, no set of it makes sense, or numba is not installed.
        DataError: there is no bar, or a figure is not a finite positive number.
    """
    found = rule_named(rule)
    job = Job(_prices(columns), rule, _sets(found, grid), costs.figures(), cash, room_bytes, learnt)
    if not 0 <= learnt < len(columns.times):
        raise DataError(f"of {len(columns.times)} bars {learnt} cannot be learnt from and the rest traded")
    if not cash > 0.0:
        raise ConfigError(f"a sweep starts with cash above 0, not {cash:g}")
    try:
        from fks_actors.backtest.sweep.evaluate import evaluated, held, traced  # numba takes a second to import
    except ModuleNotFoundError as error:
        raise ConfigError(f"a sweep needs {error.name}: pip install 'fks-actors[research]'") from error
    figures = (spread or evaluated)(job, told)
    times = columns.times[learnt:]
    bars = len(times)
    of_all = sharpes(figures, bars)
    best = None
    if not np.isnan(of_all).all():
        place = int(np.nanargmax(of_all))
        curve = traced(job, place).curve
        of_best = moments(curve[1:] / curve[:-1] - 1.0)
        best = Best(place, None if of_best is None else deflated_sharpe(of_best, np.nan_to_num(of_all).tolist()))
    names = tuple(parameter.name for parameter in found.parameters)
    hold = float(held(job).figures[FINAL]) / cash - 1.0
    return Sweep(rule, names, job.sets, figures, bars, _a_year(times), cash, hold, best)


def sweep_past(
    settings: Settings,
    past: Past,
    rule: str,
    grid: Grid,
    *,
    votes: bool = False,
    told: Told = lambda done, total: None,
    spread: Spread | None = None,
) -> Sweep:
    """Try every set over a recording of one symbol, as `run_past` would trade it under these settings.

    Args:
        votes: the rule votes with full confidence, instead of naming a target.

    Raises:
        ConfigError, DataError: as `sweep`, and where there are several symbols.
    """
    if len(past.tracks) != 1:
        raise ConfigError(f"a sweep is of one symbol, not of {len(past.tracks)}; name one recording")
    (track,) = past.tracks
    begin = max(past.begin - past.warm, 0)
    cut = slice(begin, past.end)
    columns = Columns(**{field.name: getattr(track.columns, field.name)[cut] for field in fields(Columns)})
    costs, cash = Costs.of(settings, track.symbol, votes), float(settings.desk.cash)
    return sweep(columns, rule, grid, costs, cash, told=told, spread=spread, learnt=past.begin - begin)


def _sets(rule: Rule, grid: Grid) -> Floats:
    flat = np.fromiter(chain.from_iterable(rule.sets(grid)), dtype=np.float64)
    sets = flat.reshape(-1, len(rule.parameters))
    if not len(sets):
        raise ConfigError(f"no set of the grid makes sense for {rule.name}; fast must be under slow, low under high")
    return sets


def _prices(columns: Columns) -> Floats:
    given = (columns.open, columns.high, columns.low, columns.close, columns.volume)
    count = len(columns.times)
    if not count or any(len(column) != count for column in given):
        raise DataError("a sweep needs bars, and as many figures of each kind")
    prices = np.vstack(given)
    if not np.isfinite(prices).all() or (prices[:4] <= 0.0).any() or (prices[4] < 0.0).any():
        raise DataError("a figure of the bars is not finite, or a price is not above 0; `fks data check` tells where")
    return prices


def _a_year(times: Ints) -> float:
    """How many returns a year has; 0 where no time passed."""
    span_ms = float(times[-1] - times[0])
    return (len(times) - 1) * YEAR_MS / span_ms if span_ms > 0.0 else 0.0
