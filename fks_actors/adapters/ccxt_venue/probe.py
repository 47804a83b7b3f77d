"""One look at an exchange before a desk trades there: is it there, do the keys work, what does it trade."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fks_actors.adapters.ccxt_venue import translate
from fks_actors.adapters.ccxt_venue.client import Client, Connection, open_client
from fks_actors.adapters.ccxt_venue.faults import Fault
from fks_actors.adapters.ccxt_venue.keys import Keys
from fks_actors.adapters.ccxt_venue.reconcile import totals
from fks_actors.adapters.exchange_urls import exchange_options
from fks_actors.errors import ConfigError, VenueUnavailable
from fks_actors.execution.venues import VenueConfig
from fks_actors.model.markets import MarketRules
from fks_actors.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """What an exchange said. `aliases`: its own market ids, to symbols. `balances`: totals by asset, none without keys.
    `offset_ms`: how far its clock is ahead of ours. `can_trade`: whether the account may, None where nobody says."""

    markets: Mapping[str, MarketRules]
    aliases: Mapping[str, str]
    balances: Mapping[str, Decimal]
    offset_ms: int
    can_trade: bool | None = None


def options_of(config: VenueConfig) -> dict[str, Any]:
    """ccxt's settings for the venue's `base_url`."""
    return exchange_options(config.exchange, config.base_url) if config.base_url else {}


async def probe(venue: str, config: VenueConfig, keys: Keys | None, symbols: Sequence[str] = ()) -> VenueFacts:
    """Ask the exchange for its markets, its time and the account's balances.

    Args:
        keys: None asks for what is public only.
        symbols: what must be traded there; the facts tell of every spot market.

    Raises:
        ConfigError: an unknown exchange or symbol, or keys that it refuses.
        VenueUnavailable: it did not answer.
    """
    client = await open_client(Connection(venue, config, keys, Telemetry(f"probe-{venue}"), options_of(config)))
    try:
        await client.sync_clock()
        told = await client.read("markets", client.ccxt.load_markets)
        if isinstance(told, Fault):
            raise VenueUnavailable(f"{venue}: {told.reason}")
        markets, aliases = _markets(client)
        for symbol in symbols:
            if symbol not in markets:
                raise ConfigError(f"{config.exchange} does not trade {symbol}; check `symbols` of venue {venue}")
        balances, can_trade = await _account(client) if keys else ({}, None)
        return VenueFacts(markets, aliases, balances, client.offset_ms, can_trade)
    finally:
        await client.close()


def _markets(client: Client) -> tuple[dict[str, MarketRules], dict[str, str]]:
    markets: dict[str, MarketRules] = {}
    aliases: dict[str, str] = {}
    for symbol, market in client.ccxt.markets.items():
        if not market.get("spot") or market.get("active") is False:
            continue
        try:
            markets[symbol] = translate.market_rules(market, client.ccxt.precisionMode)
        except ConfigError:
            continue
        aliases[str(market["id"])] = symbol
    return markets, aliases


async def _account(client: Client) -> tuple[dict[str, Decimal], bool | None]:
    told = await client.read("balance", client.ccxt.fetch_balance)
    if isinstance(told, Fault):
        raise ConfigError(f"{client.venue} refuses the keys: {told.reason}; check them and the clock")
    info = told.get("info")
    can_trade = info.get("canTrade") if isinstance(info, dict) else None
    return totals(told), can_trade if isinstance(can_trade, bool) else None
