"""What the charts of a report are drawn from: curves, falls, months, candles and the trades on them; bounded."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from fks_actors.adapters.feeds.columns import Floats, Ints
from fks_actors.adapters.feeds.replay import Track
from fks_actors.backtest.metrics import Curve
from fks_actors.backtest.past import Past
from fks_actors.backtest.report.calibration import Closes
from fks_actors.backtest.report.document import Curves, Falls, Fraction, Line, Mark, Prices, Year
from fks_actors.backtest.report.money import cents, money
from fks_actors.backtest.report.thinning import bucket_ms, candles, m4
from fks_actors.backtest.trips import RoundTrip
from fks_actors.model.orders import ZERO, Fill, Side

MOST_POINTS = 2_400
"""A curve of more points is told in buckets."""

MOST_CANDLES = 1_200
MOST_SYMBOLS = 8

_BUCKETS = MOST_POINTS // 4

Named = Sequence[tuple[str, Curve]]


def curves(named: Named, interval_ms: int) -> Curves:
    """The equity of the run (first) and what stands beside it."""
    length = _length([curve for _, curve in named], interval_ms)
    drawn = [_drawn(curve.ts_ms, curve.equity, length) for _, curve in named]
    times, rows = _joined(drawn)
    lines = tuple(
        Line(name, tuple(None if value is None else cents(value) for value in row))
        for (name, _), row in zip(named, rows, strict=True)
    )
    return Curves(length, max((len(curve.equity) for _, curve in named), default=0), times, lines)


def falls(named: Named, interval_ms: int) -> Falls:
    """The drawdowns of the same."""
    length = _length([curve for _, curve in named], interval_ms)
    drawn = []
    for _, curve in named:
        below = 1.0 - curve.equity / np.maximum.accumulate(curve.equity) if len(curve.equity) else curve.equity
        drawn.append(_drawn(curve.ts_ms, below, length))
    times, rows = _joined(drawn)
    rounded = (tuple(None if v is None else round(v, 6) for v in row) for row in rows)
    return Falls(length, times, tuple((name, row) for (name, _), row in zip(named, rounded, strict=True)))


def years(curve: Curve) -> tuple[Year, ...]:
    """Returns by calendar month and year (UTC): of a period's last equity to the one before it, the curve's first
    point at its beginning. They compound to the whole return. Midnight's equity is that of the bar which ends there."""
    if len(curve.equity) < 2:
        return ()
    months = (curve.ts_ms - 1).astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    ends = np.append(np.flatnonzero(np.diff(months)), len(months) - 1)
    known = np.append(curve.equity[0], curve.equity[ends])
    found: dict[int, list[Fraction]] = {}
    grown: dict[int, float] = {}
    for month, before, after in zip(months[ends].tolist(), known[:-1].tolist(), known[1:].tolist(), strict=True):
        year = 1970 + month // 12
        found.setdefault(year, [None] * 12)[month % 12] = after / before - 1.0
        grown[year] = grown.get(year, 1.0) * (after / before)
    return tuple(Year(year, tuple(row), grown[year] - 1.0) for year, row in sorted(found.items()))


def prices(past: Past, fills: Sequence[Fill], trips: Sequence[RoundTrip]) -> tuple[Prices, ...]:
    """Candles and trades of the first symbols; a fill that no candle covers is left out."""
    return tuple(_prices(past, track, fills, trips) for track in past.tracks[:MOST_SYMBOLS])


def left_out(past: Past) -> tuple[str, ...]:
    """The symbols of which no prices are drawn."""
    return tuple(track.symbol for track in past.tracks[MOST_SYMBOLS:])


def closes(past: Past) -> Closes:
    """Every symbol's traded bars."""
    rows = ((track, slice(*_rows(past, track))) for track in past.tracks)
    return {track.symbol: (track.columns.times[cut], track.columns.close[cut]) for track, cut in rows}


def _rows(past: Past, track: Track) -> tuple[int, int]:
    times = track.columns.times
    first = np.searchsorted(times, past.first_ms)
    return int(first), int(np.searchsorted(times, past.last_ms, side="right"))


def _prices(past: Past, track: Track, fills: Sequence[Fill], trips: Sequence[RoundTrip]) -> Prices:
    first, last = _rows(past, track)
    length = bucket_ms(past.first_ms, past.last_ms + 1, past.info.interval_ms, MOST_CANDLES)
    joined = tuple(candles(track.columns, first, last, length))
    known = {candle[0] for candle in joined}
    return Prices(track.symbol, last - first, length, joined, _marks(track.symbol, length, known, fills, trips))


def _marks(
    symbol: str, length: int, known: set[int], fills: Sequence[Fill], trips: Sequence[RoundTrip]
) -> tuple[Mark, ...]:
    made: dict[int, Decimal] = {}
    for trip in trips:
        if trip.symbol == symbol:
            at = trip.closed_ms // length * length
            made[at] = made.get(at, ZERO) + trip.profit
    sums: dict[tuple[int, bool], tuple[int, Decimal, Decimal]] = {}
    for fill in fills:
        at = fill.ts_ms // length * length
        if fill.symbol == symbol and at in known:
            key = at, fill.side is Side.SELL
            count, quantity, spent = sums.get(key, (0, ZERO, ZERO))
            sums[key] = count + 1, quantity + fill.quantity, spent + fill.quantity * fill.price
    return tuple(
        Mark(
            at,
            (Side.SELL if sold else Side.BUY).value,
            count,
            money(quantity),
            money(spent / quantity),
            money(made[at]) if sold and at in made else None,
        )
        for (at, sold), (count, quantity, spent) in sorted(sums.items())
    )


def _length(given: Sequence[Curve], interval_ms: int) -> int:
    """The bucket that all lines share; 0 where every line has few points."""
    full = [curve for curve in given if len(curve.ts_ms)]
    if not any(len(curve.ts_ms) > MOST_POINTS for curve in full):
        return 0
    first, last = min(int(c.ts_ms[0]) for c in full), max(int(c.ts_ms[-1]) for c in full)
    return bucket_ms(first, last, interval_ms, _BUCKETS)


def _drawn(times: Ints, values: Floats, length: int) -> Mapping[int, float]:
    if length and len(times):
        times, values = m4(times, values, length)
    return dict(zip(times.tolist(), values.tolist(), strict=True))


def _joined(drawn: Sequence[Mapping[int, float]]) -> tuple[tuple[int, ...], list[tuple[Fraction, ...]]]:
    """All instants, and every line over them."""
    times = tuple(sorted(set().union(*drawn)))
    return times, [tuple(line.get(at) for at in times) for line in drawn]
