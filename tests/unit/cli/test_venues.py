"""What `fks up` says of venues without asking them: what is at stake, where keys are, which prices may drive which."""

from pathlib import Path
from typing import Any

import pytest

from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.feeds.port import FeedInfo, FeedKind
from fks_actors.cli.plan import _slug_spec
from fks_actors.cli.venues import check_venues, mode_of, mode_of_venue, settle_venues
from fks_actors.errors import ConfigError
from fks_actors.execution.venues import RoutingConfig, VenueConfig
from fks_actors.home import Home
from fks_actors.settings import Settings

SIM = "http://127.0.0.1:8900"


def venue(**figures: Any) -> VenueConfig:
    return VenueConfig(kind="ccxt", **figures)


def desk(**venues: VenueConfig) -> Settings:
    first = next(iter(venues))
    return Settings(venues=venues, routing=RoutingConfig(default=first))


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        (VenueConfig(), "paper"),
        (venue(base_url=SIM), "simulator"),
        (venue(base_url="http://localhost:1", sandbox=True), "simulator"),
        (venue(sandbox=True), "sandbox"),
        (venue(base_url="https://proxy.example.com", sandbox=True), "live"),
        (venue(), "live"),
    ],
)
def test_mode_when_a_venue_is_configured_then_what_is_at_stake_there(config: VenueConfig, mode: str) -> None:
    assert mode_of_venue(config) == mode


def test_mode_when_there_are_several_then_the_most_dangerous() -> None:
    assert mode_of(desk(paper=VenueConfig(), one=venue(base_url=SIM))) == "simulator"
    assert mode_of(desk(one=venue(base_url=SIM), two=venue(sandbox=True))) == "sandbox"
    assert mode_of(desk(two=venue(), paper=VenueConfig())) == "live"


def test_slug_when_a_simulator_plays_an_exchange_then_its_journal_is_another() -> None:
    live = FeedConfig(spec="live:binance")
    played = FeedConfig(spec="live:binance", base_url=SIM)
    slugs = [
        _slug_spec(feed, desk(binance=config))
        for feed, config in (
            (live, venue()),
            (live, venue(sandbox=True)),
            (live, venue(base_url=SIM)),
            (played, venue(base_url=SIM)),
            (live, VenueConfig()),
        )
    ]
    assert slugs == [
        "live:binance-at-binance",
        "live:binance-at-binance-sandbox",
        "live:binance-at-binance-simulator",
        "live:binance-simulator-at-binance-simulator",
        "live:binance",
    ]


@pytest.mark.parametrize("kind", list(FeedKind))
async def test_settle_when_the_prices_are_a_simulators_then_no_real_order_may_follow(
    home: Home, kind: FeedKind
) -> None:
    info = FeedInfo(
        kind=kind, name="live:binance", label="a simulator's prices", simulated=True, symbols=("BTC/USDT",),
        interval_ms=60_000, reason="",
    )  # fmt: skip
    for config in (venue(), venue(sandbox=True)):
        with pytest.raises(ConfigError, match="a simulator's prices has not binance's prices"):
            await settle_venues(home, desk(binance=config), info)


def test_check_when_keys_are_missing_or_open_then_says_where_they_belong(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEY", "SECRET"):
        monkeypatch.delenv(f"FKS_VENUE_BINANCE_{name}", raising=False)
    settings = desk(binance=venue())
    with pytest.raises(ConfigError, match="FKS_VENUE_BINANCE_KEY and FKS_VENUE_BINANCE_SECRET or"):
        check_venues(home, settings)
    keys = write_keys(home)
    check_venues(home, settings)
    keys[1].chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        check_venues(home, settings)


def write_keys(home: Home, venue: str = "binance", *texts: str) -> list[Path]:
    folder = home.root / "keys"
    folder.mkdir(exist_ok=True)
    files = [folder / f"{venue}.{name}" for name in ("key", "secret")]
    for path, text in zip(files, texts or ("k", "s"), strict=True):
        path.write_text(text)
        path.chmod(0o600)
    return files
