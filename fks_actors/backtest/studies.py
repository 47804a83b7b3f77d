"""A run and all that it is measured against, over the same bars, under the same limits, at the same costs.

Flat and buy and hold are always there: without them there is no first line. The other baselines are runs of their own,
each through a desk like the first one's; one that would be the run itself is left out. What speaks against believing
the result is gathered in `warnings_of`; `honesty` is imported there, after the runs, for it takes long to load.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from fks_actors.backtest.baselines import Baseline, BuyAndHold, flat, verdict_line
from fks_actors.backtest.contenders import COUNCIL, MEASURES, Contender, contender, run_contender
from fks_actors.backtest.council import left_out
from fks_actors.backtest.minds import Decide
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result
from fks_actors.backtest.study import Study
from fks_actors.errors import ConfigError
from fks_actors.execution.config import default_rules
from fks_actors.model.records import TradingState
from fks_actors.settings import Settings

if TYPE_CHECKING:
    from fks_actors.backtest.honesty import Finding

ALL: tuple[str, ...] = MEASURES
"""Every baseline beside flat and buy and hold."""

NONE: tuple[str, ...] = ()
"""Flat and buy and hold only."""

Told = Callable[[str, int, int], None]
"""Which run it is, batches done, batches in all."""


def quiet(_: str, __: int, ___: int) -> None:
    """Tell nobody."""


async def checked(
    found: Study, *, lag: bool, lookahead: bool, seed: int, told: Told = quiet
) -> "tuple[Study, tuple[Finding, ...]]":
    """The study with what its reruns warn of, and all that they found: with every vote `lag` one bar late, and over a
    corrupted future (`lookahead`, drawn from `seed`). A run that looks ahead says so before its verdict.

    Raises:
        ConfigError: the past is too short for it.
    """
    from fks_actors.backtest.honesty import check_lookahead, lagged, sentences

    findings: list[Finding] = []
    line = found.first_line
    if lag:
        hear = partial(told, "one bar late")
        findings.append(await lagged(found.settings, found.past, found.result, None, hear))
    if lookahead:
        hear = partial(told, "look-ahead, runs")
        check = await check_lookahead(found.settings, found.past, seed=seed, told=hear)
        findings.append(check)
        if check.is_warning:
            line = f"NOT to be believed, for the look-ahead test failed: {line[:1].lower()}{line[1:]}"
    warnings = (*found.warnings, *sentences(findings))
    return replace(found, first_line=line, warnings=warnings), tuple(findings)


def chosen(text: str) -> tuple[str, ...]:
    """The baselines that `all`, `none` or names with commas between them mean.

    Raises:
        ConfigError: one of the names is unknown.
    """
    if text in ("all", "none"):
        return ALL if text == "all" else NONE
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in MEASURES:
            raise ConfigError(f"there is no baseline {name!r}; there are {', '.join(MEASURES)}, or all or none")
    return names


async def study(
    settings: Settings,
    past: Past,
    *,
    title: str = "",
    strategy: str = "",
    baselines: Sequence[str] = ALL,
    told: Told = quiet,
    decide: Decide | None = None,
) -> Study:
    """Run the bars, then everything that the result is measured against.

    Args:
        title: what the run is called; its label without one.
        strategy: who trades, as `contenders.contender` takes it; the council without one.
        baselines: of `contenders.MEASURES`, in the order in which they are shown.
        told: hears of every run how far it is.
        decide: holds the debates of language models in the run itself; baselines have none.

    Raises:
        ConfigError: a name is unknown, or a mind cannot be opened.
    """
    own = contender(strategy or COUNCIL, settings)
    others = measures(own, settings, baselines)
    result = await run_contender(own, past, partial(told, own.label), decide)
    holds = held(settings, past, told)
    beside = [flat(result), *holds]
    warnings = list(warnings_of(own, past, result, decide is not None))
    for other in others:
        measure, stopped = await _measured(other, past, told)
        beside.append(measure)
        warnings += (f"{other.label}: {text}" for text in stopped)
    line = verdict_line(result, holds)
    return Study(title or own.label, own.settings, past, result, line, tuple(beside), tuple(warnings))


def measures(own: Contender, settings: Settings, names: Sequence[str]) -> list[Contender]:
    """The baselines of these names, without one that is the run itself.

    Raises:
        ConfigError: a name is unknown.
    """
    others = (contender(name, settings, votes=not own.names_targets) for name in dict.fromkeys(names))
    return [other for other in others if other.voices != own.voices]


async def _measured(other: Contender, past: Past, told: Told) -> tuple[Baseline, list[str]]:
    """A run as a baseline, and whether limits held it back: one that was stopped lost less than its rule would have."""
    result = await run_contender(other, past, partial(told, other.label))
    return as_baseline(other.label, result), list(_stopped(result))


def as_baseline(name: str, result: Result) -> Baseline:
    """What of a run is shown beside another one."""
    last = {point.ts_ms: point for point in result.equity}
    rows = tuple((ts_ms, float(point.equity), float(point.exposure)) for ts_ms, point in sorted(last.items()))
    return Baseline(name, result.cash, result.final, tuple(result.fills), rows)


def held(settings: Settings, past: Past, told: Told = quiet) -> tuple[Baseline, Baseline]:
    """Buy and hold of everything, and of what one trade of the desk may take."""
    cash, config = settings.desk.cash, settings.paper
    markets = {symbol: default_rules(symbol, config) for symbol in past.info.symbols}
    holds = [BuyAndHold(cash, markets, config, share) for share in (None, settings.risk.per_trade_pct)]
    for done, batch in enumerate(past.traded(), 1):
        for hold in holds:
            hold.observe(batch)
        if done % 256 == 0 or done == past.count:
            told("buy and hold", done, past.count)
    return holds[0].baseline(), holds[1].baseline()


def hold_of(found: Study) -> Baseline:
    """Buy and hold of everything, which judges the run."""
    return found.baselines[1]


def warnings_of(own: Contender, past: Past, result: Result, models: bool = False) -> Iterator[str]:
    """What speaks against believing the result, a sentence each; `models`: whether language models had a part in it."""
    for agent in left_out(own.settings):
        yield f"Without {agent}, which needs more than bars."
    yield from _silent(own, past, result)
    yield from _stopped(result)
    yield from _honest(own, past, result, models)
    for track in past.tracks:
        bars = (track.columns.times >= past.first_ms) & (track.columns.times <= past.last_ms)
        empty = int((track.columns.volume[bars] <= 0.0).sum())
        if empty:
            yield _without_volume(track.symbol, empty, int(bars.sum()), own.settings)


def _silent(own: Contender, past: Past, result: Result) -> Iterator[str]:
    """Minds that failed, and minds that never voted without having failed."""
    for each in result.heard:
        if each.first is not None:
            yield (
                f"{each.agent} FAILED in {each.failed:,} of {each.asked:,} decisions, first on {each.first.symbol} at "
                f"{_minute(each.first.ts_ms)} UTC: {each.first.detail}"
            )
        elif each.agent in own.voices and not each.voted:
            yield f"{each.agent} never voted in {past.count:,} bars: it had not seen enough; give more bars or --warm."


def _minute(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def _stopped(result: Result) -> Iterator[str]:
    """Loss limits that took the desk's hands off: live somebody would look at it, in a run nobody does."""
    first, count, last = None, 0, TradingState.ACTIVE
    for point in result.equity:
        last = point.state
        if last is not TradingState.ACTIVE:
            first, count = first or point, count + 1
    if first is None:
        return
    rest = ", and nobody resumed it" if last is not TradingState.ACTIVE else ""
    share = f"{count / len(result.equity):.0%} of the run{rest}"
    yield f"A loss limit of risk first stopped purchases on {_minute(first.ts_ms)} UTC; they were barred in {share}."


def _honest(own: Contender, past: Past, result: Result, models: bool) -> Iterator[str]:
    """What `honesty` finds without another run; of bars without volume `_without_volume` tells more."""
    from fks_actors.adapters.recordings.findings import Kind
    from fks_actors.backtest.honesty import DataFlaw, findings_of, sentences

    found = findings_of(own.settings, past, result, models)
    yield from sentences(
        each for each in found if not (isinstance(each, DataFlaw) and each.flaw.kind is Kind.NO_VOLUME)
    )


def _without_volume(symbol: str, empty: int, bars: int, settings: Settings) -> str:
    said = f"{symbol}: bars without volume: {empty:,} of {bars:,}; "
    if settings.paper.participation_pct is None:
        return said + "orders filled in them without impact on the price, which no market would have allowed."
    whole = " (paper.participation_pct: null trades any size)" if empty == bars else ""
    return said + f"nothing fills in such a bar, an order waits for the next one that has{whole}."
