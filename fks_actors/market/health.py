"""Which sources of prices can be trusted now, and whether enough of them can.

A source is a symbol's bars (source `feed`) or a venue's quotes of a symbol. What is flagged is written down; what
fails stops new exposure. The two are not the same: a market where nothing traded for a while is odd, not broken.

Score
    Every bar gives its source a mark, 1 where nothing is wrong:  mark = max(0, 1 - sum of the weights of its flags),
    and the score follows it:  score += (1 - score_decay) (mark - score), from 1. So it lies in 0..1, and a source
    without a flag scores 1. A missing bar is a bar of mark 0 (an invalid one was refused, so it is missing too).

    spike 0.2   volume 0.1   no_volume 0.3   implausible 1   deviation 1   (gap, stale: see below)

    No flag of the first three, however often it comes, brings a score under 0.7 by itself: they never fail a source.
    With the defaults (decay 0.8, fail under 0.5, again at 0.6) four missing bars in a row do not fail one, five do; it
    then recovers with its third good bar, after the longest gap with its fifth.

Failing
    a score under `fail_under`, until it is `recover_at` again (the two differ, so that it does not flicker);
    or what is so at present: its bar is overdue, or came too late, or its last price deviates from the others'.
Paused
    more than `pause_share` of the sources fail. With fewer than ten sources (at 0.1) a single one is enough: a desk of
    two symbols that cannot see one of them is half blind. It resumes by itself when they recover.
Gone
    a symbol that told nothing for `gone_bars` bars is no source any more (a delisting, a recording that ended): it
    pauses the others no longer, while its own orders stay refused. A venue without a fresh quote is no source either:
    it witnesses nothing, and its silence is the business of its connector.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from fks_actors.market.config import QualityConfig
from fks_actors.market.quality import Flag

FEED = "feed"
"""The source of the bars, beside the venues by their names."""

OVERDUE = "overdue"
"""The trouble of a source whose bar should have come."""

WEIGHTS: Mapping[Flag, float] = {
    Flag.SPIKE: 0.2,
    Flag.VOLUME: 0.1,
    Flag.NO_VOLUME: 0.3,
    Flag.IMPLAUSIBLE: 1.0,
    Flag.DEVIATION: 1.0,
}
_TROUBLES = (Flag.STALE, Flag.DEVIATION, Flag.IMPLAUSIBLE)
_NAMED = 3
_SHOWN_PLACES = 2


class Source(msgspec.Struct, frozen=True, gc=False):
    """One source as it stands: `trouble` is what is so at present (a flag, or overdue), `failing` what its score says.

    `present`: it has told something lately. `deviation`: its last price against the others', as a fraction.
    """

    name: str
    symbol: str
    score: float = 1.0
    failing: bool = False
    trouble: str = ""
    present: bool = True
    deviation: float = 0.0

    @property
    def fails(self) -> bool:
        """Whether it cannot be trusted now."""
        return self.failing or bool(self.trouble)


class Report(msgspec.Struct, frozen=True, gc=False):
    """The sources at one instant, those that are gone too. `limit` is the share that may fail, `least` the score."""

    sources: tuple[Source, ...]
    limit: float
    least: float

    @property
    def failing(self) -> tuple[Source, ...]:
        """The present sources that fail."""
        return tuple(each for each in self.sources if each.present and each.fails)

    @property
    def share(self) -> float:
        """The failing ones' share of the present ones, 0..1."""
        present = sum(each.present for each in self.sources)
        return len(self.failing) / present if present else 0.0

    @property
    def paused(self) -> bool:
        """Whether too many fail for new exposure."""
        return self.share > self.limit

    @property
    def reason(self) -> str:
        """Why it is paused, for people: the failing sources with score and limit; empty where it is not."""
        failing = self.failing
        if not self.paused:
            return ""
        present = sum(each.present for each in self.sources)
        named = "; ".join(self.told(each) for each in failing[:_NAMED])
        more = f"; {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
        return f"{len(failing)} of {present} data sources fail, {self.limit:.0%} may: {named}{more}"

    def told(self, source: Source) -> str:
        """A failing source in words."""
        why = f"{source.trouble}, " if source.trouble else ""
        return f"{source.name} {source.symbol} ({why}score {source.score:.{_SHOWN_PLACES}f}, limit {self.least})"

    def of(self, symbol: str, name: str = FEED) -> Source | None:
        """One source, None where it never told anything."""
        return next((each for each in self.sources if (each.name, each.symbol) == (name, symbol)), None)


class Health:
    """Every source's standing, from the marks that it is given."""

    def __init__(self, config: QualityConfig) -> None:
        self._config = config
        self._sources: dict[str, dict[str, Source]] = {}
        """By symbol, then by name."""

    def mark(
        self, name: str, symbol: str, flags: Collection[Flag] = (), missing: int = 0, deviation: float = 0.0
    ) -> None:
        """Take one bar's flags in, after `missing` bars that did not come."""
        config, told = self._config, self._sources.setdefault(symbol, {})
        held = told.get(name)
        score, failed = (1.0, False) if held is None else (held.score, held.failing)
        worth = max(0.0, 1.0 - sum(WEIGHTS.get(flag, 0.0) for flag in set(flags))) if flags else 1.0
        score *= config.score_decay**missing
        score = min(max(score + (1.0 - config.score_decay) * (worth - score), 0.0), 1.0)
        failing = score < config.fail_under or (failed and score < config.recover_at)
        trouble = next((flag.value for flag in _TROUBLES if flag in flags), "") if flags else ""
        told[name] = Source(name, symbol, score, failing, trouble, True, deviation)

    def rest(self, symbol: str, bars: int) -> None:
        """Take in bars of the feed that bear no flag; it neither failed nor was in trouble before them."""
        if not bars:
            return
        held = self._sources[symbol][FEED]
        score, share = held.score, 1.0 - self._config.score_decay
        if score != 1.0:
            for _ in range(bars):
                score = min(max(score + share * (1.0 - score), 0.0), 1.0)
        self._sources[symbol][FEED] = Source(FEED, symbol, score, False, "", True, 0.0)

    @property
    def calm(self) -> bool:
        """Whether every source is there, does not fail and is in no trouble."""
        return all(each.present and not each.fails for told in self._sources.values() for each in told.values())

    def heard(self, symbol: str, names: Collection[str]) -> None:
        """Those of a symbol's sources that are not named have nothing to tell now; their scores wait for them."""
        told = self._sources.get(symbol, {})
        for name, held in told.items():
            if name not in names and held.present:
                told[name] = replace(held, trouble="", present=False, deviation=0.0)

    def forget(self, symbol: str) -> None:
        """Drop a symbol's sources."""
        self._sources.pop(symbol, None)

    def report(self, overdue: Mapping[str, bool]) -> Report:
        """How things stand; `overdue` are the symbols whose bars should have come, True for those that are gone."""
        sources = []
        for symbol, told in sorted(self._sources.items()):
            for name, each in sorted(told.items()):
                late = name == FEED and symbol in overdue
                sources.append(replace(each, trouble=OVERDUE, present=not overdue[symbol]) if late else each)
        return Report(tuple(sources), self._config.pause_share, self._config.fail_under)

    def state(self) -> list[list[Any]]:
        """Every source, JSON-able."""
        every = (source for told in self._sources.values() for source in told.values())
        return [[s.name, s.symbol, s.score, s.failing, s.trouble, s.present, s.deviation] for s in every]

    def restore(self, state: Iterable[list[Any]]) -> None:
        """Continue bit for bit from `state()`."""
        self._sources = {}
        for name, symbol, score, failing, trouble, present, deviation in state:
            source = Source(name, symbol, float(score), failing, trouble, present, float(deviation))
            self._sources.setdefault(symbol, {})[name] = source
