"""What `--feed` means for a simulated exchange: its markets and the course of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fks_actors.adapters.exchange_sim.config import MANUAL, SimConfig
from fks_actors.adapters.exchange_sim.markets import DEFAULT_SYMBOLS, Market, default_markets, read_markets
from fks_actors.adapters.exchange_sim.prices import MINUTE_MS, Course, RecordedCourse, SimulatedCourse, step_of
from fks_actors.adapters.feeds.config import ReplaySpec, SimulatedSpec, parse_spec
from fks_actors.adapters.feeds.replay import Track, load
from fks_actors.errors import ConfigError

_HISTORY_BARS = 1_440


@dataclass(frozen=True, slots=True)
class Source:
    """The markets and their courses, by the symbol's id, and how long a bar of a course lasts."""

    markets: Mapping[str, Market]
    courses: Mapping[str, Course]
    step_ms: int


def open_source(config: SimConfig) -> Source:
    """The markets that the configuration names.

    Raises:
        ConfigError, DataFileError: it names none, or a file cannot be used.
    """
    if not 0 < config.speed < float("inf"):
        raise ConfigError(f"speed {config.speed} is no number above 0")
    if config.feed == MANUAL:
        return _simulated(config, MINUTE_MS)
    spec = parse_spec(config.feed)
    if isinstance(spec, SimulatedSpec):
        return _simulated(config, step_of(MINUTE_MS, config.speed))
    if isinstance(spec, ReplaySpec):
        return _recorded(config, load(spec.files))
    raise ConfigError(f"feed {config.feed!r}: a simulated exchange takes simulated, replay:FILE or manual")


def _simulated(config: SimConfig, step_ms: int) -> Source:
    markets = _markets(config, config.symbols)
    return Source(markets, {n: SimulatedCourse(config.seed, m) for n, m in markets.items()}, step_ms)


def _recorded(config: SimConfig, tracks: list[Track]) -> Source:
    markets = _markets(config, tuple(t.symbol for t in tracks))
    courses = {
        t.symbol.replace("/", ""): RecordedCourse(t, min(_HISTORY_BARS, len(t.columns.times) // 2)) for t in tracks
    }
    return Source(markets, courses, step_of(tracks[0].interval_ms, config.speed))


def _markets(config: SimConfig, symbols: tuple[str, ...]) -> dict[str, Market]:
    if config.exchange_info is not None:
        return read_markets(config.exchange_info, symbols)
    found = default_markets(symbols or DEFAULT_SYMBOLS)
    counts = {"maxNumOrders": config.max_orders, "maxNumAlgoOrders": config.max_stops}
    return {name: _counted(market, counts) for name, market in found.items()}


def _counted(market: Market, counts: Mapping[str, int]) -> Market:
    filters = {
        name: {**f, **{field: count for field, count in counts.items() if field in f}}
        for name, f in market.filters.items()
    }
    info: dict[str, Any] = {**market.info, "filters": list(filters.values())}
    return replace(market, info=info, filters=filters)
