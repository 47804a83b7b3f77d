"""From `--feed` to a feed. `auto` is live where the exchange answers in time, else simulated; it says why."""

import asyncio
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from fks_actors.adapters.exchange_urls import exchange_options
from fks_actors.adapters.feeds.config import FeedConfig, LiveSpec, ReplaySpec, SimulatedSpec, parse_spec
from fks_actors.adapters.feeds.live import LiveFeed, open_live
from fks_actors.adapters.feeds.port import Clock, Feed, Sleep
from fks_actors.adapters.feeds.simulated import START_MS, SimulatedConfig, SimulatedFeed
from fks_actors.adapters.feeds.timing import LiveTiming
from fks_actors.errors import ConfigError, FeedUnavailable

SIMULATED_SPEED = 60.0


async def open_feed(
    config: FeedConfig,
    *,
    exchange_options: Mapping[str, object] | None = None,
    timing: LiveTiming | None = None,
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> Feed:
    """The feed that the configuration asks for.

    Args:
        timing: a live feed's times and wall clock.
        exchange_options: ccxt's constructor settings, such as urls or proxies.
        clock: monotonic seconds, for the pace of a replay or simulation.

    Raises:
        ConfigError: the exchange, a symbol or the speed is wrong.
        DataFileError: a recording cannot be used.
        FeedUnavailable: the named exchange did not answer.
    """
    spec = parse_spec(config.spec)
    if isinstance(spec, ReplaySpec):
        from fks_actors.adapters.feeds.replay import open_replay

        return await open_replay(spec.files, config.speed_or(None), clock=clock, sleep=sleep)
    if isinstance(spec, SimulatedSpec):
        return _simulated(config, "", clock, sleep)
    if isinstance(spec, LiveSpec):
        if config.speed_or(1.0) != 1.0:
            raise ConfigError(f"speed {config.speed} with feed {config.spec}: a live market runs at speed 1")
        return await _live(config, spec.exchange, 30.0, "", exchange_options, timing)
    try:
        reason = f"auto: {config.exchange} answered"
        return await _live(config, config.exchange, config.answer_within_s, reason, exchange_options, timing)
    except FeedUnavailable as error:
        return _simulated(config, f"auto: {error}; using the simulated market", clock, sleep)


async def _live(
    config: FeedConfig,
    exchange: str,
    within_s: float,
    reason: str,
    options: Mapping[str, object] | None,
    timing: LiveTiming | None,
) -> LiveFeed:
    if config.base_url:
        options = {**exchange_options(exchange, config.base_url), **(options or {})}
    return await open_live(
        exchange,
        config.symbols,
        config.timeframe,
        history_bars=config.history_bars,
        answer_within_s=within_s,
        options=options,
        reason=reason,
        timing=timing,
        stand_in=urlsplit(config.base_url).netloc,
    )


def _simulated(config: FeedConfig, reason: str, clock: Clock, sleep: Sleep) -> SimulatedFeed:
    market = SimulatedConfig(
        symbols=config.symbols,
        interval_ms=config.interval_ms,
        seed=config.seed,
        start_ms=START_MS if config.start_ms is None else config.start_ms,
        history_bars=config.history_bars,
        speed=config.speed_or(SIMULATED_SPEED),
    )
    return SimulatedFeed(market, reason=reason, clock=clock, sleep=sleep)
