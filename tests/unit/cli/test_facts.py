"""status, config, journal and doctor's printing: in every state that a desk can be found in."""

import json
import sqlite3
from pathlib import Path

import pytest

from fks_actors.adapters.sql import SqlJournal
from fks_actors.errors import JournalUnavailable
from fks_actors.home import Home
from tests.cli_runs import fks_here, pretend_running
from tests.fake_desk import HALF_BLIND, PAPER_VENUE, FakeDesk
from tests.fakes import FakeReader, Scene
from tests.journal_scene import fill, note, only, step
from tests.unit.cli.conftest import Serve


def test_status_when_the_desk_trades_then_account_positions_and_actors(serve: Serve) -> None:
    scene = Scene(60)
    url = serve(reader=scene.reader, desk=scene.desk)
    ran = fks_here("status")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == (f"FKS Actors 0.1.0 paper trading on Simulated market, 2 symbols, 1h bars  {url}")
    assert "trading active" in ran.out
    assert "BTC/USDT" in ran.out
    facts = json.loads(fks_here("status", "--json").out)
    assert facts["account"]["currency"] == "USDT"
    assert facts["memory"] == {"pss_mib": 0, "processes": 0, "by_role": {}}
    assert len(facts["agents"]) == 8


def test_status_when_no_bar_has_come_yet_then_it_says_so(serve: Serve) -> None:
    serve(desk=FakeDesk(ready=False))
    ran = fks_here("status")
    assert (ran.code, ran.err) == (0, "")
    assert "no account is recorded yet" in ran.out
    facts = json.loads(fks_here("status", "--json").out)
    assert (facts["account"], facts["positions"]) == (None, [])


def test_status_when_the_desk_does_not_answer_then_the_journal_speaks(serve: Serve) -> None:
    scene = Scene(30)
    serve(reader=scene.reader, desk=FakeDesk(down=True))
    ran = fks_here("status")
    assert ran.code == 0
    assert "the desk does not answer; this is what its journal says" in ran.out
    assert json.loads(fks_here("status", "--json").out)["agents"] == []


def test_status_when_the_reason_holds_markup_then_it_is_printed_as_it_is(serve: Serve) -> None:
    serve(desk=FakeDesk(feed={"kind": "replay", "label": "replay of [/x].csv", "reason": "[bold]", "ended": True}))
    ran = fks_here("status")
    assert ran.code == 0
    assert "replay of [/x].csv" in ran.out
    assert "feed ended\n[bold]\n" in ran.out


def test_status_when_the_journal_is_away_then_one_line(serve: Serve) -> None:
    serve(reader=FakeReader(fault=JournalUnavailable("gone")))
    ran = fks_here("status")
    assert (ran.code, ran.err) == (1, "fks: 503 unavailable: the journal does not answer\n")


def test_config_when_flags_file_and_variables_are_given_then_each_value_names_its_own(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("risk:\n  per_trade_pct: 3\n", encoding="utf-8")
    monkeypatch.setenv("FKS_SERVE__REPLICAS", "1")
    ran = fks_here("config", "--config", str(file), "--feed", "simulated", "--json")
    rows = {row["key"]: (row["value"], row["source"]) for row in json.loads(ran.out)}
    assert rows["risk.per_trade_pct"] == ("3", f"{file}:2")
    assert rows["serve.replicas"] == ("1", "FKS_SERVE__REPLICAS")
    assert rows["feed.spec"] == ("simulated", "--feed")
    assert rows["serve.port"] == ("8000", "default")
    table = fks_here("config", "--config", str(file)).out
    assert f"{file}:2" in table.replace("\n", "")
    assert not [key for key in rows if "secret" in key]


def _journal(home: Home, feed: str = "simulated", bars: int = 3) -> Path:
    folder = home.root / "journals" / feed
    folder.mkdir()
    journal = SqlJournal(f"sqlite:///{folder / 'journal.db'}", lambda: 1)
    journal.commit([step(i) for i in range(bars)])
    journal.close()
    return folder / "journal.db"


def test_journal_when_the_desk_is_down_then_the_last_one_is_read(home: Home) -> None:
    _journal(home)
    show = fks_here("journal", "show", "--limit", "2")
    assert show.code == 0
    assert show.out.count("BTC/USDT") + show.out.count("ETH/USDT") == 2
    rows = json.loads(fks_here("journal", "show", "--symbol", "BTC/USDT", "--json").out)
    assert len(rows) == 3
    assert len(fks_here("journal", "digest").out.strip()) == 64
    assert json.loads(fks_here("journal", "counts", "--json").out)["commits"] == 3
    assert "decisions    6" in fks_here("journal", "counts").out


def test_journal_audit_when_there_are_records_then_the_newest_comes_first(home: Home) -> None:
    path = _journal(home)
    journal = SqlJournal(f"sqlite:///{path}", lambda: 1)
    journal.commit((only("notes", "bar-2", note("unauthorized", "bad [signature]"), note("lease_taken")),))
    journal.close()
    lines = fks_here("journal", "audit").out.splitlines()
    assert ["lease_taken" in lines[1], "bad [signature]" in lines[2]] == [True, True]
    rows = json.loads(fks_here("journal", "audit", "--json", "--limit", "1").out)
    assert [(r["kind"], r["actor"], r["count"]) for r in rows] == [("lease_taken", "192.0.2.7", 1)]


def test_journal_verify_when_a_row_was_changed_or_the_end_was_cut_off_then_exit_5(home: Home) -> None:
    path = _journal(home)
    journal = SqlJournal(f"sqlite:///{path}", lambda: 1)
    journal.commit((only("money", "bar-2", fill("t1", "o1"), fill("t2", "o1")),))
    journal.close()
    good = fks_here("journal", "verify")
    assert (good.code, good.out.splitlines()[0]) == (0, "ok: 4 commits, 2 logged, 2 fill")
    facts = json.loads(fks_here("journal", "verify", "--json").out)
    assert (facts["ok"], f"head {facts['head']}") == (True, good.out.splitlines()[1])
    assert fks_here("journal", "verify", "--head", facts["head"]).code == 0
    foreign = fks_here("journal", "verify", "--head", "f" * 64)
    assert (foreign.code, "the noted head is not in the log" in foreign.err) == (5, True)
    assert fks_here("journal", "verify", "--head", "short").code == 2
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE fills SET payload = replace(payload, '100.10', '1.00') WHERE trade_id = 't2'")
    connection.close()
    bad = fks_here("journal", "verify")
    assert (bad.code, bad.out) == (5, "")
    assert bad.err == "fks: fills 4000002, paper/t2: the fill's payload was changed\n"
    fault = json.loads(fks_here("journal", "verify", "--json").out)
    assert (fault["ok"], fault["fault"]["table"], fault["fault"]["key"]) == (False, "fills", "paper/t2")


@pytest.mark.parametrize("command", ["show", "digest", "counts", "audit", "verify"])
def test_journal_when_there_is_none_or_a_damaged_one_then_exit_5(home: Home, command: str) -> None:
    none = fks_here("journal", command)
    assert (none.code, none.err) == (5, f"fks: no journal in {home.root}/journals yet; `fks up` starts one\n")
    path = _journal(home)
    path.write_bytes(b"no database" * 1000)
    for log in path.parent.glob("journal.db-*"):
        log.unlink()
    damaged = fks_here("journal", command)
    assert damaged.code == 5
    assert f"fks: {path} is damaged" in damaged.err


def test_journal_when_the_running_desk_names_one_that_is_gone_then_it_is_named(home: Home) -> None:
    pretend_running(home, 1, journal_url=f"sqlite:///{home.root}/journals/x/journal.db")
    ran = fks_here("journal", "counts")
    assert (ran.code, "journals/x/journal.db is not there yet" in ran.err) == (5, True)


def test_status_when_venues_are_several_then_mode_state_and_money_of_each(serve: Serve) -> None:
    scene = Scene(60)
    sim = {"venue": "binance", "exchange": "binance", "mode": "simulator", "breaker": "closed", "open_orders": 2}
    lost = {"venue": "okx", "exchange": "okx", "mode": "live", "answers": False, "trouble": "it does not answer"}
    scene.desk.venues = [
        {**PAPER_VENUE},
        {**PAPER_VENUE, **sim, "streams": {"orders": True, "quotes": False}},
        {**PAPER_VENUE, **lost},
    ]
    serve(reader=scene.reader, desk=scene.desk)
    lines = [" ".join(line.split()) for line in fks_here("status").out.splitlines()]
    assert any(line.startswith("paper paper paper ok 0 ") for line in lines)
    assert any(line.startswith("binance binance simulator polling quotes 2") for line in lines)
    assert any(line.startswith("okx okx live it does not answer 0") for line in lines)
    facts = json.loads(fks_here("status", "--json").out)
    assert [v["venue"] for v in facts["venues"]] == ["paper", "binance", "okx"]
    assert (facts["desk"]["lease_held"], facts["desk"]["lease_epoch"]) == (True, 3)
    assert [v["venue"] for v in facts["account"]["venues"]] == ["paper"]


def test_status_when_the_desk_is_silent_then_its_venues_are_named_from_the_journal(serve: Serve) -> None:
    scene = Scene(30)
    serve(reader=scene.reader, desk=FakeDesk(down=True))
    (venue,) = json.loads(fks_here("status", "--json").out)["venues"]
    assert (venue["venue"], venue["answers"], venue["trouble"]) == ("paper", False, "the desk does not answer")


def test_status_when_too_many_sources_fail_then_it_says_that_it_pauses_and_why(serve: Serve) -> None:
    scene = Scene(30)
    scene.desk.quality = HALF_BLIND
    serve(reader=scene.reader, desk=scene.desk)
    shown = " ".join(fks_here("status").out.split())
    assert f"paused: {HALF_BLIND['reason']}; nothing is bought until they recover" in shown
    quality = json.loads(fks_here("status", "--json").out)["quality"]
    assert quality == HALF_BLIND
    scene.desk.quality = {**HALF_BLIND, "paused": False, "reason": ""}
    shown = fks_here("status").out
    assert "data that fail: feed ETH/USDT" in shown
    assert "paused" not in shown
