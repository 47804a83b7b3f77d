"""What `fks up` settles about the venues: which there are, what they trade, what their accounts begin with.

Orders reach an exchange only by an explicit configuration and with keys. A recorded or simulated market may drive real
orders at nothing but a simulator on this machine: its prices are not the exchange's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from fks_actors.actors.wiring import paper_plan
from fks_actors.adapters.ccxt_venue.keys import KeySource
from fks_actors.adapters.exchange_urls import is_loopback
from fks_actors.adapters.feeds.port import FeedInfo, FeedKind
from fks_actors.desk.config import VenuePlan
from fks_actors.errors import ConfigError
from fks_actors.execution.venues import VenueConfig
from fks_actors.home import Home, known_secret
from fks_actors.settings import Settings

PAPER, SIMULATOR, SANDBOX, LIVE = "paper", "simulator", "sandbox", "live"


@dataclass(frozen=True, slots=True)
class Venues:
    """The desk's venues: plans in the order of the configuration, first cash by venue (quote), where keys are found,
    and what each exchange calls its spot markets (id -> symbol)."""

    plans: tuple[VenuePlan, ...]
    cash: Mapping[str, Decimal]
    keys: Mapping[str, KeySource]
    ids: Mapping[str, Mapping[str, str]]


def mode_of(settings: Settings) -> str:
    """What is at stake: paper, simulator, sandbox or live, the most dangerous of the venues' kinds."""
    found = {mode_of_venue(venue) for venue in settings.venues.values()}
    return next(mode for mode in (LIVE, SANDBOX, SIMULATOR, PAPER) if mode in found)


def key_source(home: Home, venue: str) -> KeySource:
    """Where a venue's keys are looked for: FKS_VENUE_<NAME>_KEY, _SECRET, _PASSWORD, else files under FKS_HOME/keys."""
    variable, folder = f"FKS_VENUE_{venue.upper()}", home.root / "keys"
    names = ("key", "secret", "password")
    key, secret, password = ((f"{variable}_{n.upper()}", str(folder / f"{venue}.{n}")) for n in names)
    return KeySource(key[0], secret[0], key[1], secret[1], password[0], password[1])


def check_venues(home: Home, settings: Settings) -> None:
    """What can be told without asking anybody.

    Raises:
        ConfigError: keys are missing or open to others.
    """
    for name, venue in settings.venues.items():
        if venue.kind == "ccxt":
            check_keys(home, name)


def check_keys(home: Home, venue: str) -> None:
    """See whether a venue's keys are found and private.

    Raises:
        ConfigError: keys are missing or open to others.
    """
    source = key_source(home, venue)
    for path, variable in _places(source):
        known_secret(home.root / path, variable)
    source.read()


async def settle_venues(home: Home, settings: Settings, info: FeedInfo) -> Venues:
    """Ask every real venue what it trades and holds.

    Raises:
        ConfigError: keys, symbols or the feed do not fit; the text says what to do.
        VenueUnavailable: a venue does not answer.
    """
    plans: list[VenuePlan] = []
    cash: dict[str, Decimal] = {}
    keys: dict[str, KeySource] = {}
    ids: dict[str, Mapping[str, str]] = {}
    for name, venue in settings.venues.items():
        if venue.kind == "paper":
            plans.append(paper_plan(name, info.symbols, settings))
            cash[name] = settings.desk.cash
            continue
        _refuse_other_prices(name, venue, info)
        keys[name] = key_source(home, name)
        plan, cash[name], ids[name] = await _probed(name, venue, keys[name], info.symbols)
        plans.append(plan)
    _refuse_untraded(plans, info.symbols)
    return Venues(tuple(plans), cash, keys, ids)


async def _probed(
    name: str, venue: VenueConfig, source: KeySource, symbols: tuple[str, ...]
) -> tuple[VenuePlan, Decimal, Mapping[str, str]]:
    from fks_actors.adapters.ccxt_venue.probe import probe

    facts = await probe(name, venue, source.read())
    traded = {symbol: facts.markets[symbol] for symbol in symbols if symbol in facts.markets}
    quotes = {rules.quote for rules in traded.values()}
    if len(quotes) > 1:
        raise ConfigError(f"venues.{name}: its symbols have several quote currencies ({', '.join(sorted(quotes))})")
    balance = facts.balances.get(next(iter(quotes)), Decimal(0)) if quotes else Decimal(0)
    return VenuePlan(name, venue.exchange, True, traded, venue.symbols, mode_of_venue(venue)), balance, facts.aliases


def _refuse_other_prices(name: str, venue: VenueConfig, info: FeedInfo) -> None:
    if (info.kind is not FeedKind.LIVE or info.simulated) and mode_of_venue(venue) != SIMULATOR:
        raise ConfigError(
            f"venues.{name}: {info.label} has not {venue.exchange}'s prices; use --feed live:{venue.exchange}"
        )


def _refuse_untraded(plans: list[VenuePlan], symbols: tuple[str, ...]) -> None:
    lacking = [symbol for symbol in symbols if not any(symbol in plan.markets for plan in plans)]
    if lacking:
        raise ConfigError(f"no venue trades {', '.join(lacking)}; leave them out of feed.symbols")


def mode_of_venue(venue: VenueConfig) -> str:
    """What is at stake at one venue: paper, simulator, sandbox or live."""
    if venue.kind == "paper":
        return PAPER
    if venue.base_url:
        return SIMULATOR if is_loopback(venue.base_url) else LIVE
    return SANDBOX if venue.sandbox else LIVE


def _places(source: KeySource) -> Iterator[tuple[str, str]]:
    yield source.key_file, source.key_env
    yield source.secret_file, source.secret_env
    yield source.password_file, source.password_env
