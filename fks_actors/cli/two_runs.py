"""The two runs that `fks compare --models` prints: the same bars, minds, limits and costs, with models and without."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from fks_actors import __version__
from fks_actors.actors.debating import Debating
from fks_actors.actors.models import ModelsActor
from fks_actors.adapters.feeds.port import FeedInfo
from fks_actors.adapters.feeds.replay import ReplayFeed, open_replay
from fks_actors.adapters.forecast.factory import open_forecaster
from fks_actors.agents import forecast
from fks_actors.agents.verdict import SENTIMENT
from fks_actors.backtest.minds import Decide, RunMinds
from fks_actors.backtest.run import Result, run
from fks_actors.backtest.versus import Versus, versus
from fks_actors.desk.crafts import bar_mind
from fks_actors.desk.forecast_craft import forecast_craft
from fks_actors.desk.mind import BarMind
from fks_actors.errors import DataError
from fks_actors.home import Home
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import RunRecord
from fks_actors.settings import Settings

Count = Callable[[str], Callable[[int, int], None]]
"""Which run it is, to what hears (batches done, batches in all)."""

Span = tuple[int | None, int | None]
_PAGE = 512


@dataclass(frozen=True, slots=True)
class Bars:
    """What is traded, and what is learnt from before."""

    info: FeedInfo
    history: tuple[BarBatch, ...]
    traded: tuple[BarBatch, ...]


async def read_bars(data: Sequence[str], span: Span, warm: int) -> Bars:
    """The bars of the files that opened within the span (UTC ms, either end None for the file's own).

    Raises:
        ConfigError, DataFileError: a file cannot be used.
        DataError: nothing lies within the span.
    """
    pairs = [_named(text) for text in data]
    feed = await open_replay(pairs)
    since, until = span
    history: list[BarBatch] = []
    traded: list[BarBatch] = []
    async for batch in _batches(feed):
        if until is not None and batch.ts_ms >= until:
            break
        (traded if since is None or batch.ts_ms >= since else history).append(batch)
    if not traded:
        raise DataError(f"{feed.describe().label} has no bar between --since and --until")
    return Bars(feed.describe(), tuple(history[-warm:] if warm else ()), tuple(traded))


async def two_runs(home: Home, settings: Settings, bars: Bars, count: Count) -> tuple[Versus, tuple[str, ...]]:
    """Both runs, and the minds that had no part in either: those that need more than bars.

    Raises:
        ConfigError: a model or a mind cannot be opened; the text says what to do.
    """
    left_out = tuple(agent for agent in settings.agents.minds if agent == SENTIMENT)
    off = await _run(settings, bars, None, count("off"))
    models = ModelsActor(settings.llm, str(home.root))
    await models.start()
    debating = Debating(settings.agents.debate, models)
    try:
        on = await _run(settings, bars, debating.decide, count("on"))
    finally:
        await debating.close()
        await models.close()
    return versus(off, on), left_out


async def _run(settings: Settings, bars: Bars, decide: Decide | None, count: Callable[[int, int], None]) -> Result:
    info, cash = bars.info, settings.desk.cash
    first_ms = bars.traded[0].ts_ms
    record = RunRecord("compare", first_ms, info.name, False, info.symbols, info.interval_ms, cash, __version__)
    done, total = 0, len(bars.traded)

    def told(_: BarBatch) -> None:
        nonlocal done
        done += 1
        if done % 16 == 0 or done == total:
            count(done, total)

    minds = [_mind(agent, settings, info.interval_ms) for agent in settings.agents.minds if agent != SENTIMENT]
    debate = settings.agents.debate
    return await run(
        settings, record, _each(bars.traded), lambda _: RunMinds(minds, debate, decide), bars.history, told
    )


def _mind(agent: str, settings: Settings, interval_ms: int) -> BarMind:
    if agent != forecast.AGENT:
        return bar_mind(agent, settings.market, settings.memory, settings.agents)
    config = settings.agents.forecast.for_bars(interval_ms)
    return BarMind(forecast_craft(open_forecaster(settings.forecast, config.season_bars), config))


async def _each(batches: Sequence[BarBatch]) -> AsyncIterator[BarBatch]:
    for batch in batches:
        yield batch


async def _batches(feed: ReplayFeed) -> AsyncIterator[BarBatch]:
    after = -1
    while not feed.exhausted(after):
        for batch in await feed.next(after, _PAGE, 0.0):
            after = batch.ts_ms
            yield batch


def _named(text: str) -> tuple[str | None, str]:
    symbol, found, path = text.partition("=")
    return (symbol, path) if found and "/" in symbol and "." not in symbol else (None, text)
