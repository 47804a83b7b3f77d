"""A study as the report's document. Pure: what is random is drawn from the seed that is given."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import PurePath

import numpy as np

from fks_actors import __version__
from fks_actors.backtest.attribution import by_agent, by_regime
from fks_actors.backtest.metrics import Curve, Metrics, measured
from fks_actors.backtest.report import charting
from fks_actors.backtest.report.calibration import fit
from fks_actors.backtest.report.document import (
    VERSION,
    Bounds,
    Column,
    Costs,
    Count,
    Decisions,
    Document,
    Facts,
    Figures,
    Fit,
    Held,
    Limits,
    OfMind,
    OfRegime,
    Search,
    Sureness,
    Trip,
    Trips,
)
from fks_actors.backtest.report.gathering import Gathered, Said, gather
from fks_actors.backtest.report.intervals import generators, mean_block, of_returns, of_trips
from fks_actors.backtest.report.money import money
from fks_actors.backtest.run import Result, desk_config
from fks_actors.backtest.significance import deflated_sharpe, expected_best, moments, probabilistic_sharpe
from fks_actors.backtest.study import Searched, Study
from fks_actors.backtest.trips import Book, RoundTrip, round_trips
from fks_actors.desk.config import PAPER
from fks_actors.model.orders import ZERO
from fks_actors.model.records import TradingState
from fks_actors.settings import Settings

LEVEL = 0.95
RESAMPLES = 1_000
_ELSEWHERE = {"journal", "redis", "serve", "cluster"}


def told(study: Study, seed: int, listed: int) -> Document:
    """The document of a study.

    Args:
        study: the run and all that is told beside it.
        seed: of the bootstrap.
        listed: how many round trips are listed at most, half of them the first, half the last.
    """
    result, past = study.result, study.past
    curve, book, said = Curve.of(result.equity), round_trips(result.fills), gather(result.cycles)
    named = [("this run", curve), *((each.name, each.curve) for each in study.baselines)]
    held_against = _most_moved(named[1:])
    fits, not_scored = _calibration(study, said)
    return Document(
        VERSION,
        study.title,
        study.first_line,
        result.final < result.cash,
        past.info.simulated,
        study.warnings,
        _facts(study, tuple(said.minds)),
        _columns(study, named),
        _sureness(curve, book.trips, seed),
        charting.curves(named, past.info.interval_ms),
        charting.falls([named[0], *held_against], past.info.interval_ms),
        charting.years(curve),
        charting.prices(past, result.fills, book.trips),
        charting.left_out(past),
        _trips(book, listed),
        _regimes(study, curve),
        _minds(result, said.minds),
        fits,
        not_scored,
        _decisions(result, said),
        _search(study.searched, curve),
    )


def digest(settings: Settings) -> str:
    """SHA-256 of all settings that a run can depend on, as canonical JSON."""
    values = settings.model_dump(mode="json", exclude=_ELSEWHERE)
    return sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _facts(study: Study, minds: tuple[str, ...]) -> Facts:
    past, result, info = study.past, study.result, study.past.info
    return Facts(
        tuple(dict.fromkeys(PurePath(track.recording.path).name for track in past.tracks)),
        info.symbols,
        info.interval_ms,
        past.first_ms,
        past.last_ms + info.interval_ms,
        result.bars,
        min(past.warm, past.begin),
        minds,
        info.notes,
        digest(study.settings),
        __version__,
        money(result.cash),
        money(result.final),
        _costs(study.settings),
        _limits(study.settings, result),
    )


def _costs(settings: Settings) -> Costs:
    paper = settings.paper
    cap = paper.participation_pct
    return Costs(
        money(paper.maker_fee_bps),
        money(paper.taker_fee_bps),
        money(paper.slippage_bps),
        money(paper.range_share),
        None if cap is None else money(cap),
    )


def _limits(settings: Settings, result: Result) -> Limits:
    risk, since = settings.risk, dict[TradingState, int]()
    for point in result.equity:
        if point.state is not TradingState.ACTIVE and point.state not in since:
            since[point.state] = point.ts_ms
    return Limits(
        money(risk.per_trade_pct),
        money(risk.max_gross_exposure_pct),
        money(risk.max_daily_loss_pct),
        money(risk.drawdown_reducing_pct),
        money(risk.drawdown_halt_pct),
        since.get(TradingState.REDUCING),
        since.get(TradingState.HALTED),
    )


def _columns(study: Study, named: charting.Named) -> tuple[Column, ...]:
    own = Column(study.title, "run", _figures(study.result.final, measured(named[0][1], study.result.fills)))
    beside = (
        Column(each.name, "baseline", _figures(each.final, measured(curve, each.fills)))
        for each, (_, curve) in zip(study.baselines, named[1:], strict=True)
    )
    return (own, *beside)


def _figures(final: Decimal, found: Metrics) -> Figures:
    fall, trades = found.drawdown, found.trades
    return Figures(
        found.years,
        money(final),
        found.total,
        found.annual,
        found.volatility,
        found.sharpe,
        found.sortino,
        found.calmar,
        fall.depth if fall else None,
        fall.under_water_ms if fall else None,
        fall.longest_ms if fall else None,
        found.time_exposed,
        found.mean_exposure,
        found.turnover,
        trades.count,
        trades.win_rate,
        trades.profit_factor,
        money(trades.profit / trades.count) if trades.count else None,
        trades.held_ms,
        money(found.fees),
    )


def _sureness(curve: Curve, trips: Sequence[RoundTrip], seed: int) -> Sureness:
    returns, profits = curve.returns(), np.array([float(trip.profit) for trip in trips])
    of_both = generators(seed)
    found = {
        **of_returns(curve, LEVEL, of_both[0], RESAMPLES),
        **of_trips(profits, LEVEL, of_both[1], RESAMPLES),
    }
    brief = moments(returns)
    return Sureness(
        LEVEL,
        RESAMPLES,
        seed,
        mean_block(len(returns)) if len(returns) else None,
        mean_block(len(profits)) if len(profits) else None,
        {name: Bounds(*each) for name, each in found.items()},
        probabilistic_sharpe(brief) if brief else None,
    )


def _most_moved(named: charting.Named) -> charting.Named:
    """The first baseline that was ever exposed: whose falls are worth drawing."""
    return [pair for pair in named if pair[1].exposure.any()][:1]


def _trips(book: Book, listed: int) -> Trips:
    trips, count = book.trips, len(book.trips)
    first = min(count, listed if count <= listed else listed // 2)
    last = max(count - listed // 2, first)
    held = (
        Held(symbol, money(_sum(lot.quantity for lot in lots)), money(_sum(lot.cost for lot in lots)))
        for symbol, lots in book.held
    )
    head = tuple(_trip(at, trips[at]) for at in range(first))
    return Trips(count, head, tuple(_trip(at, trips[at]) for at in range(last, count)), tuple(held))


def _trip(at: int, trip: RoundTrip) -> Trip:
    return Trip(
        at + 1,
        trip.symbol,
        trip.opened_ms,
        trip.closed_ms,
        money(trip.quantity),
        money(trip.cost / trip.quantity),
        money(trip.proceeds / trip.quantity),
        money(trip.fees),
        money(trip.profit),
        float(trip.profit / trip.cost) if trip.cost > 0 else None,
    )


def _regimes(study: Study, curve: Curve) -> tuple[OfRegime, ...]:
    return tuple(
        OfRegime(
            each.regime.value,
            each.share,
            each.total,
            each.volatility,
            each.sharpe,
            each.trades.count,
            each.trades.win_rate,
            money(each.trades.profit),
        )
        for each in by_regime(study.result, study.settings.reflection, curve)
    )


def _minds(result: Result, said: Mapping[str, Said]) -> tuple[OfMind, ...]:
    credited = {each.agent: each for each in by_agent(result)}
    found = []
    for agent in (*credited, *(each for each in said if each not in credited)):
        spoke, got = said.get(agent, Said()), credited.get(agent)
        heard = spoke.buys, spoke.sells, spoke.holds, spoke.abstained
        got_of = (got.trips, got.wins, got.trades, money(got.profit)) if got else (0, 0, 0.0, "0")
        found.append(OfMind(agent, *heard, *got_of))
    return tuple(found)


def _calibration(study: Study, said: Gathered) -> tuple[tuple[Fit, ...], tuple[str, ...]]:
    """Each mind's curve; and who voted but has no horizon to be scored at."""
    config = desk_config(study.settings, (), PAPER).reflection
    past, bars = study.past, charting.closes(study.past)
    found = (fit(agent, each.claims, bars, past.info.interval_ms, config) for agent, each in said.minds.items())
    return tuple(each for each in found if each), tuple(a for a in said.minds if a not in config.horizons)


def _sum(parts: Iterable[Decimal]) -> Decimal:
    return sum(parts, ZERO)


def _decisions(result: Result, said: Gathered) -> Decisions:
    statuses: Counter[str] = Counter()
    words: dict[str, str] = {}
    for order in result.orders:
        statuses[order.status.value] += 1
        if order.reason:
            words[order.status.value] = order.reason
    return Decisions(
        said.count,
        _counts(said.outcomes, {}),
        _counts(said.refusals, said.words),
        _counts(statuses, words),
    )


def _counts(found: "Counter[str]", words: Mapping[str, str]) -> tuple[Count, ...]:
    return tuple(Count(what, count, words.get(what, "")) for what, count in found.most_common())


def _search(searched: Searched | None, curve: Curve) -> Search | None:
    if searched is None:
        return None
    brief, sharpes, over = moments(curve.returns()), searched.sharpes, searched.overfitting
    variance = float(np.var(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    return Search(
        len(sharpes),
        expected_best(len(sharpes), variance) if sharpes else None,
        deflated_sharpe(brief, sharpes) if brief else None,
        over.probability if over else None,
        over.loss if over else None,
        over.combinations if over else 0,
    )
