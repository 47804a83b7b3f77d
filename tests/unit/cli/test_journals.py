"""Where journals lie, which one is the newest, and setting one aside."""

import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from fks_actors.adapters.sql import SqlJournal
from fks_actors.cli.journals import journal_urls, kept_journals, newest_journal_url, set_aside, sqlite_url
from fks_actors.errors import JournalError, JournalUnavailable
from fks_actors.home import Home
from fks_actors.settings import JournalSection, Settings
from tests.cli_runs import pretend_running


def made(home: Home, feed: str, at_s: int) -> Path:
    folder = home.journal_dir(feed)
    folder.mkdir()
    path = folder / "journal.db"
    path.write_bytes(b"x")
    os.utime(path, (at_s, at_s))
    return path


def test_urls_when_feeds_differ_then_so_do_their_journals(home: Home) -> None:
    found = {journal_urls(home, Settings(), f)[0] for f in ("simulated-1", "simulated-2", "live:binance", "replay:a")}
    assert len(found) == 4
    journal, inbox = journal_urls(home, Settings(), "simulated-1")
    assert journal == f"sqlite:///{home.root}/journals/simulated-1/journal.db"
    assert inbox == f"sqlite:///{home.root}/journals/simulated-1/inbox.db"
    assert home.journal_dir("simulated-1").stat().st_mode & 0o777 == 0o700


def test_urls_when_a_database_is_configured_then_both_are_it(home: Home) -> None:
    settings = Settings(journal=JournalSection(url="postgresql://h/d"))
    assert journal_urls(home, settings, "auto") == ("postgresql://h/d",) * 2
    assert not list((home.root / "journals").iterdir())


def test_urls_when_the_folder_cannot_be_made_then_it_is_unavailable(home: Home) -> None:
    home.journal_dir("simulated").write_text("in the way", encoding="utf-8")
    with pytest.raises(JournalUnavailable, match="cannot be made: File exists"):
        journal_urls(home, Settings(), "simulated")


@pytest.mark.parametrize("name", ["a b#c%41", "wh?t=1&x", "a@b:c", "ümlaut"])
def test_sqlite_url_when_the_path_is_odd_then_it_is_that_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "journal.db"
    path.parent.mkdir()
    assert make_url(sqlite_url(path)).database == str(path)
    SqlJournal(sqlite_url(path), lambda: 1).close()
    assert path.stat().st_size > 0


def test_newest_when_none_is_there_then_it_says_what_starts_one(home: Home) -> None:
    with pytest.raises(JournalError, match="`fks up` starts one"):
        newest_journal_url(home)


def test_newest_when_several_are_there_then_the_one_written_last_its_log_counted(home: Home) -> None:
    old, new = made(home, "simulated", 100), made(home, "live:binance", 200)
    assert newest_journal_url(home) == sqlite_url(new)
    log = old.with_name("journal.db-wal")
    log.write_bytes(b"")
    os.utime(log, (300, 300))
    assert kept_journals(home) == [new, old]
    assert newest_journal_url(home) == sqlite_url(old)


def test_newest_when_a_desk_runs_then_its_own_and_when_that_note_is_damaged_the_last(home: Home) -> None:
    path = made(home, "simulated", 100)
    pretend_running(home, 1, journal_url="sqlite:////its/own.db")
    assert newest_journal_url(home) == "sqlite:////its/own.db"
    (home.run / "desk.json").write_text("{", encoding="utf-8")
    assert newest_journal_url(home) == sqlite_url(path)


def test_set_aside_when_done_again_and_again_then_nothing_is_lost_and_none_counts_as_kept(home: Home) -> None:
    assert set_aside(home, "simulated") is None
    aside = []
    for content in (b"1", b"2", b"3"):
        made(home, "simulated", 100).write_bytes(content)
        aside.append(set_aside(home, "simulated"))
    assert [(path / "journal.db").read_bytes() for path in aside if path] == [b"1", b"2", b"3"]
    assert not home.journal_dir("simulated").exists()
    assert kept_journals(home) == []
