"""What `fks up` settles, for feeds that need nobody: what runs, where its journal lies, what it refuses."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.feeds.port import FeedInfo, FeedKind
from fks_actors.adapters.sql import SqlJournal
from fks_actors.cli.journals import kept_journals
from fks_actors.cli.plan import Plan, check, found_spec, settle
from fks_actors.cli.session import Running
from fks_actors.cli.start import Started
from fks_actors.errors import ConfigError, DataFileError, JournalCorrupt
from fks_actors.home import Home
from fks_actors.model.records import Commit
from fks_actors.settings import JournalSection, Settings
from tests.market import batches, write_files


def simulated(**feed: object) -> Settings:
    return Settings(feed=FeedConfig.model_validate({"spec": "simulated", **feed}))


def record(plan: Plan) -> None:
    """What the coordinator writes first."""
    journal = SqlJournal(plan.wiring.journal_url, lambda: 1)
    journal.commit([Commit("run", "", (plan.wiring.run,))])
    journal.close()


def test_settle_when_simulated_then_it_goes_on_where_its_journal_began(home: Home) -> None:
    first = settle(home, simulated(), fresh=False)
    record(first)
    again = settle(home, simulated(), fresh=False)
    assert again.settings.feed.start_ms == first.settings.feed.start_ms == again.wiring.run.feed_start_ms
    assert again.wiring.run.run_id != first.wiring.run.run_id
    assert again.wiring.home == first.wiring.home == str(home.root)
    assert (again.wiring.run.feed, again.wiring.run.simulated, again.wiring.run.cash) == ("simulated", True, 10_000)
    assert settle(home, simulated(seed=8), fresh=False).wiring.journal_url != first.wiring.journal_url


def test_settle_when_started_anew_then_the_old_journal_is_kept_beside(home: Home) -> None:
    record(settle(home, simulated(), fresh=False))
    settings = simulated().model_copy(update={"desk": Settings().desk.model_copy(update={"cash": Decimal(5)})})
    assert settle(home, settings, fresh=False).wiring.run.cash == 10_000
    plan = settle(home, settings, fresh=True)
    assert plan.set_aside is not None
    assert (plan.set_aside / "journal.db").exists()
    assert plan.wiring.run.cash == 5
    assert len(kept_journals(home)) == 1


def test_settle_when_the_symbols_are_others_then_it_is_refused_until_new(home: Home) -> None:
    record(settle(home, simulated(), fresh=False))
    other = simulated(symbols=("BTC/USDT",))
    with pytest.raises(ConfigError, match=r"symbols BTC/USDT, ETH/USDT there, BTC/USDT now.*`fks up --new`"):
        settle(home, other, fresh=False)
    assert settle(home, other, fresh=True).wiring.run.symbols == ("BTC/USDT",)


def test_settle_when_a_recording_is_named_then_by_its_whole_path_gaps_included(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = batches(20)
    write_files(tmp_path, bars[:8] + bars[12:])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    whole = f"replay:{tmp_path}/BTCUSDT-1m.csv,ETH/USDT={tmp_path}/ETHUSDT-1m.csv"
    for spec in ("replay:BTCUSDT-1m.csv,ETH/USDT=~/ETHUSDT-1m.csv", whole):
        plan = settle(home, Settings(feed=FeedConfig(spec=spec)), fresh=False)
        assert plan.wiring.run.feed == plan.settings.feed.spec == whole
        assert (plan.wiring.run.simulated, plan.wiring.run.interval_ms) == (False, 60_000)
        assert "BTC/USDT: 1 gap, 4 bars missing, the longest 5 min" in plan.info.notes
    assert len(list((home.root / "journals").iterdir())) == 1


def test_settle_when_a_recording_is_unusable_then_no_journal_is_made(home: Home) -> None:
    with pytest.raises(DataFileError, match="no such file"):
        settle(home, Settings(feed=FeedConfig(spec="replay:BTCUSDT.csv")), fresh=True)
    assert not list((home.root / "journals").iterdir())


@pytest.mark.parametrize(
    ("kind", "name", "asked", "spec"),
    [
        (FeedKind.LIVE, "live:kraken", "auto", "live:kraken"),
        (FeedKind.LIVE, "live:binance", "LIVE: Binance", "live:binance"),
        (FeedKind.SIMULATED, "simulated", "auto", "simulated"),
        (FeedKind.REPLAY, "replay:/a.csv", "replay:BTC/USDT=/a.csv", "replay:BTC/USDT=/a.csv"),
    ],
)
def test_found_spec_when_a_feed_was_opened_then_it_opens_the_same_again(
    kind: FeedKind, name: str, asked: str, spec: str
) -> None:
    info = FeedInfo(kind=kind, name=name, label="", simulated=False, symbols=(), interval_ms=60_000, reason="")
    assert found_spec(asked, info) == spec
    FeedConfig(spec=spec)


def test_check_when_the_journal_is_known_beforehand_then_its_damage_shows_before_the_feed_is_asked(home: Home) -> None:
    path = home.root / "j.db"
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(JournalCorrupt, match=r"j\.db is damaged"):
        check(home, Settings(journal=JournalSection(url=f"sqlite:///{path}")), fresh=False)
    folder = home.root / "journals" / "live-binance"
    folder.mkdir()
    path.rename(folder / "journal.db")
    live = Settings(feed=FeedConfig(spec="live:binance"))
    with pytest.raises(JournalCorrupt, match="`fks up --new` sets it aside"):
        check(home, live, fresh=False)
    check(home, live, fresh=True)
    check(home, simulated(), fresh=False)


def test_facts_when_the_journal_has_a_password_then_scripts_do_not_see_it() -> None:
    url = "postgresql://fks:hunter2@db/fks"
    running = Running("127.0.0.1", 8000, "fks", "simulated", "Simulated", url, url, ("BTC/USDT",), 1)
    shown = json.dumps(Started(running, "", "", "token-1", "secret-1").facts())
    assert "postgresql://fks:***@db/fks" in shown
    assert not [word for word in ("hunter2", "token-1", "secret-1") if word in shown]
