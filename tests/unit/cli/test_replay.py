"""`fks replay`: what it prints, and how it ends."""

import asyncio
import json
import re
import sqlite3
from pathlib import Path

import pytest

from fks_actors.cli.session import EXIT_DATA, EXIT_FAILED, EXIT_JOURNAL, EXIT_USAGE
from fks_actors.home import Home
from tests.cli_runs import fks_here, pretend_running
from tests.market import MINUTE, SYMBOLS, batches
from tests.recorded_desk import RecordedDesk, settings

DAY_MS = 1_704_240_000_000  # 2024-01-03
COUNT = 90
KEY = f"BTC/USDT@{DAY_MS + 60 * MINUTE}"
OTHER = "agents:\n  minds: [short_term, mid_term, long_term, asmbtr]\n  debate:\n    threshold: 0.3\n"


@pytest.fixture
def journal(home: Home) -> Path:
    """A desk's journal in the home: bars from just before midnight on."""
    folder = home.journal_dir("replay:here")
    folder.mkdir()
    path = folder / "journal.db"

    async def write() -> None:
        desk = await RecordedDesk(path, SYMBOLS, settings()).begin()
        await desk.bars(batches(COUNT, start_ms=DAY_MS - 10 * MINUTE))
        desk.close()

    asyncio.run(write())
    return path


def spoil(path: Path) -> None:
    """Another confidence than the code gives."""
    with sqlite3.connect(path) as connection:
        (payload,) = connection.execute("SELECT payload FROM decisions WHERE decision_id = ?", (KEY,)).fetchone()
        changed = re.sub(r'"confidence":[0-9.]+', '"confidence":0.125', payload, count=1)
        connection.execute("UPDATE decisions SET payload = ? WHERE decision_id = ?", (changed, KEY))
    connection.close()


def test_replay_when_a_decision_is_as_recorded_then_it_says_identical(journal: Path) -> None:
    ran = fks_here("replay", KEY)
    assert ran.code == 0
    assert re.match(re.escape(KEY) + r": identical, \d{3,} bytes\n", ran.out)
    assert "rebuilt from 142 bars and 72 commits: 4 ballots" in " ".join(ran.out.split())


def test_replay_when_a_days_decisions_are_as_recorded_then_it_ends_with_0(journal: Path) -> None:
    ran = fks_here("replay", "--day", "2024-01-03", "--json")
    facts = json.loads(ran.out)
    assert (ran.code, facts["decisions"], facts["identical"]) == (0, 2 * (COUNT - 10), 2 * (COUNT - 10))
    assert (facts["settings"], facts["changed"], facts["account_points_differ"]) == ("recorded", [], 0)
    assert facts["runs"][0]["settings_digest"]


@pytest.mark.parametrize("which", [(KEY,), ("--day", "2024-01-03"), ("--since", "2024-01-03T00:30")])
def test_replay_when_one_is_not_as_recorded_then_it_is_shown_and_it_ends_with_1(
    journal: Path, which: tuple[str, ...]
) -> None:
    spoil(journal)
    ran = fks_here("replay", *which)
    assert ran.code == EXIT_FAILED
    assert "NOT as recorded" in ran.out
    assert KEY in ran.out
    assert "ballots[short_term].confidence" in ran.out


def test_replay_when_the_spoilt_one_is_not_asked_for_then_it_ends_with_0(journal: Path) -> None:
    spoil(journal)
    assert fks_here("replay", "--until", "2024-01-03T01:00").code == 0


def test_replay_when_other_settings_are_tried_then_what_would_change_is_listed(journal: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(OTHER)
    ran = fks_here("replay", "--since", "2024-01-02", "--with", str(other), "--json")
    facts = json.loads(ran.out)
    assert (ran.code, facts["settings"], facts["decisions"]) == (0, "other", 2 * COUNT)
    turned = [each for each in facts["changed"] if each["turned"]]
    assert len(turned) == facts["turned"] > 0
    assert {each["outcome"]["rebuilt"] for each in turned} & {"ordered"}
    told = fks_here("replay", "--since", "2024-01-02", "--with", str(other))
    assert f"{facts['turned']} of {2 * COUNT} decisions would come out otherwise" in told.out
    assert "no profit or loss is claimed" in told.out
    one = fks_here("replay", turned[0]["decision_id"], "--with", str(other))
    assert one.code == 0
    assert "it would change" in one.out
    assert re.search(r"verdict\.threshold +0\.6 +0\.3", one.out)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), EXIT_USAGE, "one way"),
        ((KEY, "--day", "2024-01-03"), EXIT_USAGE, "one way"),
        (("--day", "soon"), EXIT_USAGE, "--day soon"),
        (("--day", "2024-01-03T05:00"), EXIT_USAGE, "write a day"),
        (("--since", "2024-01-04", "--until", "2024-01-03"), EXIT_USAGE, "is not before"),
        ((KEY, "--ask-models"), EXIT_USAGE, "--with"),
        ((KEY, "--with", "nowhere.yaml"), EXIT_USAGE, "nowhere.yaml"),
        (("BTC/USDT@5",), EXIT_DATA, "no decision 'BTC/USDT@5'"),
        (("--day", "2020-01-01"), EXIT_DATA, "no decision in that span; they lie on bars from"),
        ((KEY, "--journal", "/nowhere/journal.db"), EXIT_JOURNAL, "not there"),
    ],
)
def test_replay_when_it_cannot_be_done_then_it_says_why(
    journal: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = fks_here("replay", *words)
    assert ran.code == code
    assert said in ran.err


def test_replay_when_models_are_to_be_asked_and_none_is_configured_then_it_says_so(
    journal: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(OTHER)
    ran = fks_here("replay", KEY, "--with", str(other), "--ask-models")
    assert (ran.code, "llm.providers" in ran.err) == (EXIT_USAGE, True)


def test_replay_when_a_desk_writes_the_journal_meanwhile_then_nothing_of_it_is_locked(
    journal: Path, home: Home
) -> None:
    pretend_running(home, 1, journal_url=f"sqlite:///{journal}")
    with sqlite3.connect(journal, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert fks_here("replay", "--day", "2024-01-03").code == 0
        writer.execute("ROLLBACK")
    writer.close()


def test_replay_when_the_journal_is_of_a_file_then_that_is_read(journal: Path, home: Home) -> None:
    moved = home.root / "copy.db"
    with sqlite3.connect(journal) as source, sqlite3.connect(moved) as target:
        source.backup(target)
    source.close()
    target.close()
    journal.unlink()
    assert fks_here("replay", KEY, "--journal", str(moved)).code == 0
