"""Where a run's profit came from: by what the market did, and by the mind that asked for it. Pure.

Regime    that of `reflection.regimes` on the closes that the cycles recorded, so only what was known then. A return of
          equity belongs to the regime at its beginning: what most symbols were in; a tie is SIDEWAYS. A round trip
          belongs to its symbol's regime as of the last close when its entry was asked for. The returns of all regimes
          compound to the whole.
Agent     a round trip's profit is divided among the minds that voted for its entry, by confidence x weight (the
          verdict's weight of that mind, 1 where it has none). Who said HOLD, the opposite or nothing shares neither in
          profits nor in losses. Entries that nobody voted for (a webhook's, a judge's of models) are NOBODY's. The
          shares add up to the realised profit. It tells who asked for what was bought, not who caused it: minds that
          agree share, and an exit is nobody's merit.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from fks_actors.backtest.metrics import Curve, Floats, Trades, sharpe, traded, volatility
from fks_actors.backtest.run import Result
from fks_actors.backtest.trips import RoundTrip, round_trips
from fks_actors.model.orders import ZERO
from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Action, Vote
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.regimes import Drift
from fks_actors.reflection.scores import REGIMES, Regime

NOBODY = ""
"""The agent of entries that no mind voted for."""


@dataclass(frozen=True, slots=True)
class InRegime:
    """What came of one regime. `share` is its part of the returns' number; `total` compounds them, a fraction."""

    regime: Regime
    share: float | None
    total: float | None
    volatility: float | None
    sharpe: float | None
    trades: Trades


@dataclass(frozen=True, slots=True)
class OfAgent:
    """What is credited to one mind: `profit` in quote; it voted for `trips` round trips' entries, `wins` of which made
    a profit. `trades` is the sum of its shares in them."""

    agent: str
    trips: int
    wins: int
    trades: float
    profit: Decimal


def regimes(cycles: Iterable[CycleRecord], config: ReflectionConfig) -> dict[str, Regime]:
    """What each cycle's market was in as of its close, by decision id; cycles in the order in which they were run."""
    return {cycle.decision_id: regime for cycle, regime in _told(cycles, config)}


def by_regime(result: Result, config: ReflectionConfig, curve: Curve | None = None) -> tuple[InRegime, ...]:
    """The run's figures in every regime. `curve` is that of its equity, for who has it already."""
    curve = curve or Curve.of(result.equity)
    of_symbols = _by_close(result.cycles, config)
    of_points = _market(of_symbols, curve)
    returns, a_year = curve.returns(), curve.a_year()
    asked_ms = {order.intent.client_order_id: order.intent.ts_ms for order in result.orders}
    trips: dict[Regime, list[RoundTrip]] = {regime: [] for regime in REGIMES}
    for trip in round_trips(result.fills).trips:
        closes, states = of_symbols.get(trip.symbol, ([], []))
        at = bisect_right(closes, asked_ms.get(trip.entry_id, trip.opened_ms))
        trips[states[at - 1] if at else Regime.SIDEWAYS].append(trip)
    return tuple(
        _in_regime(regime, returns[of_points == at], len(returns), a_year, trips[regime])
        for at, regime in enumerate(REGIMES)
    )


def by_agent(result: Result) -> tuple[OfAgent, ...]:
    """What each mind that voted for an entry is credited with, most profit first."""
    trips, entries = round_trips(result.fills).trips, _entries(result)
    asked_for = {entries.get(trip.entry_id, "") for trip in trips}
    cycles = {cycle.decision_id: cycle for cycle in result.cycles if cycle.decision_id in asked_for}
    held: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for trip in trips:
        cycle = cycles.get(entries.get(trip.entry_id, ""))
        left, owed = trip.profit, Decimal(1)
        asked = shares(cycle) if cycle else {NOBODY: Decimal(1)}
        for at, (agent, share) in enumerate(asked.items(), 1):
            credited = (left, owed) if at == len(asked) else (trip.profit * share, share)
            left, owed = left - credited[0], owed - credited[1]
            held.setdefault(agent, []).append(credited)
    found = (
        OfAgent(agent, len(each), sum(p > 0 for p, _ in each), float(sum(s for _, s in each)), _sum(p for p, _ in each))
        for agent, each in held.items()
    )
    return tuple(sorted(found, key=lambda each: (-each.profit, each.agent)))


def shares(cycle: CycleRecord) -> dict[str, Decimal]:
    """Who asked for the cycle's purchase, and to which part: they add up to 1."""
    weights: Mapping[str, float] = dict(cycle.verdict.weights)
    said = {
        ballot.agent: Decimal(ballot.confidence) * Decimal(weights.get(ballot.agent, 1.0))
        for ballot in cycle.ballots
        if isinstance(ballot, Vote) and ballot.action is Action.BUY
    }
    loud = {agent: part for agent, part in sorted(said.items()) if part > 0}
    whole = _sum(loud.values())
    return {agent: part / whole for agent, part in loud.items()} if whole else {NOBODY: Decimal(1)}


def _in_regime(regime: Regime, returns: Floats, count: int, a_year: float, trips: Sequence[RoundTrip]) -> InRegime:
    return InRegime(
        regime,
        len(returns) / count if count else None,
        float(np.prod(1.0 + returns)) - 1.0 if len(returns) else None,
        volatility(returns, a_year),
        sharpe(returns, a_year),
        traded(trips),
    )


def _told(cycles: Iterable[CycleRecord], config: ReflectionConfig) -> Iterator[tuple[CycleRecord, Regime]]:
    """Each cycle and what its market was in as of its close."""
    drifts: dict[str, tuple[Drift, int]] = {}
    span, sigmas = config.regime_bars, config.regime_sigmas
    for cycle in cycles:
        ts_ms = cycle.ts_ms
        drift, last_ms = drifts.get(cycle.symbol) or (Drift(), ts_ms)
        drift.move(float(cycle.price), span, ts_ms - last_ms == cycle.close_ms - ts_ms)
        drifts[cycle.symbol] = drift, ts_ms
        yield cycle, drift.regime(span, sigmas)


def _by_close(cycles: Iterable[CycleRecord], config: ReflectionConfig) -> dict[str, tuple[list[int], list[Regime]]]:
    """Each symbol's closes and the regime as of them."""
    found: dict[str, tuple[list[int], list[Regime]]] = {}
    for cycle, regime in _told(cycles, config):
        closes, states = found.setdefault(cycle.symbol, ([], []))
        closes.append(cycle.close_ms)
        states.append(regime)
    return found


def _market(of_symbols: Mapping[str, tuple[list[int], list[Regime]]], curve: Curve) -> NDArray[np.int64]:
    """The place in REGIMES of the regime at the beginning of every return."""
    sideways, count = REGIMES.index(Regime.SIDEWAYS), len(curve.ts_ms[:-1])
    votes = np.zeros((len(REGIMES), count), dtype=np.int64)
    for closes, states in of_symbols.values():
        seen = np.searchsorted(np.array(closes, dtype=np.int64), curve.ts_ms[:-1], side="right") - 1
        known = np.array([REGIMES.index(state) for state in states], dtype=np.int64)[seen]
        for at in range(len(REGIMES)):
            votes[at] += (known == at) & (seen >= 0)
    most = votes.argmax(axis=0)
    tied = (votes == votes.max(axis=0)).sum(axis=0) > 1
    found: NDArray[np.int64] = np.where(tied, sideways, most)
    return found


def _entries(result: Result) -> dict[str, str]:
    """The decision (or signal) behind each order."""
    return {order.intent.client_order_id: order.intent.origin_id for order in result.orders}


def _sum(parts: Iterable[Decimal]) -> Decimal:
    return sum(parts, ZERO)
