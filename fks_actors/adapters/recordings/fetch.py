"""Fetches closed bars of an exchange into a recording, page after page, and never what it has.

A tail that the exchange does not tell yet is asked for again next time; a gap between two bars that it told is not.
"""

import importlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.adapters.recordings.growing import Growing
from fks_actors.adapters.recordings.spans import Span, lacking
from fks_actors.errors import FeedUnavailable
from fks_actors.model.candles import Candle

TRIES = 10
T = TypeVar("T")
Told = Callable[[int, int], None]

_log = logging.getLogger(__name__)


class BarSource(Protocol):
    """An exchange's candles. `page` is the most that one question may ask for."""

    page: int

    async def bars(self, symbol: str, timeframe: str, since_ms: int, limit: int) -> list[Candle]:
        """Bars that opened from `since_ms` on, ascending.

        Raises:
            FeedUnavailable: no answer; its cause says why.
        """


@dataclass(frozen=True, slots=True)
class Wish:
    """A symbol's bars that open from `since_ms` to before `until_ms`, all of them closed by now."""

    symbol: str
    timeframe: str
    interval_ms: int
    since_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """Bars that came now, and the questions that were asked."""

    bars: int
    pages: int


async def fetch(source: BarSource, growing: Growing, wish: Wish, timing: LiveTiming, told: Told) -> Fetched:
    """Fetch what the file lacks of the wish; however it ends, what came is in the file.

    Args:
        told: takes the milliseconds of the wish that are done, and all of them.

    Raises:
        FeedUnavailable: the exchange refused, or did not answer time and again.
        ConfigError: the file cannot be written.
    """
    missing = lacking((wish.since_ms, wish.until_ms), growing.covered)
    whole = wish.until_ms - wish.since_ms
    done = whole - sum(stop - start for start, stop in missing)
    bars = pages = 0
    told(done, whole)
    for span in missing:
        start, stop = span
        at, covered = start, None
        try:
            while at < stop:
                found = await _page(source, wish, at, timing)
                kept = [bar for bar in found if bar.ts_ms < stop]
                growing.add(kept)
                bars, pages = bars + len(kept), pages + 1
                covered = _covered(wish, span, found, kept) or covered
                at = min(stop, found[-1].ts_ms + wish.interval_ms if found else at + source.page * wish.interval_ms)
                told(done + at - start, whole)
            if stop < wish.until_ms:
                covered = span
        finally:
            growing.finish(covered)
        done += stop - start
    return Fetched(bars, pages)


def _covered(wish: Wish, span: Span, found: list[Candle], kept: list[Candle]) -> Span | None:
    """What is known whole after a page: all of the span, where a bar beyond it was told; else up to the last bar."""
    if len(kept) < len(found):
        return span
    return (span[0], kept[-1].ts_ms + wish.interval_ms) if kept else None


async def _page(source: BarSource, wish: Wish, since_ms: int, timing: LiveTiming) -> list[Candle]:
    limit = min(source.page, -(-(wish.until_ms - since_ms) // wish.interval_ms))
    return await patiently(lambda: source.bars(wish.symbol, wish.timeframe, since_ms, limit), timing)


async def patiently(ask: Callable[[], Awaitable[T]], timing: LiveTiming) -> T:
    """Ask up to `TRIES` times, waiting ever longer.

    Raises:
        FeedUnavailable: the exchange refused, or did not answer at last.
    """
    for attempt in range(1, TRIES):
        try:
            return await ask()
        except FeedUnavailable as error:
            if refused(error):
                raise
            wait_s = timing.backoff_s(attempt)
            _log.warning("%s; asking again in %.1f s", error, wait_s)
            await timing.sleep(wait_s)
    return await ask()


def refused(error: FeedUnavailable) -> bool:
    """Whether the exchange answered that it will not; a limit, maintenance or a lost connection passes."""
    ccxt = importlib.import_module("ccxt")
    return isinstance(error.__cause__, ccxt.ExchangeError)
