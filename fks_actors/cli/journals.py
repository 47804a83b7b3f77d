"""Where the journals lie: one folder a feed under FKS_HOME, or one database by URL."""

import time
from pathlib import Path

from fks_actors.cli.session import find_running
from fks_actors.errors import JournalError, NotRunning
from fks_actors.home import Home
from fks_actors.settings import Settings


def journal_urls(home: Home, settings: Settings, feed: str) -> tuple[str, str]:
    """(journal URL, inbox URL) for a feed; on SQLite two files, so that alerts never wait for the desk's commits."""
    if settings.journal.url:
        return settings.journal.url, settings.journal.url
    folder = home.journal_dir(feed)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'journal.db'}", f"sqlite:///{folder / 'inbox.db'}"


def newest_journal_url(home: Home) -> str:
    """The running desk's journal, else the one that was written last.

    Raises:
        JournalError: there is none.
    """
    try:
        return find_running(home).journal_url
    except NotRunning:
        found = sorted(home.root.glob("journals/*/journal.db"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise JournalError(f"no journal in {home.root}/journals yet; `fks up` starts one")
    return f"sqlite:///{found[-1]}"


def set_aside(home: Home, feed: str) -> Path | None:
    """Move a feed's journal out of the way, so that the next run starts afresh; nothing is deleted.

    Returns:
        Where it lies now, None where there was none.
    """
    folder = home.journal_dir(feed)
    if not (folder / "journal.db").exists():
        return None
    kept = folder.with_name(f"{folder.name}.{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
    folder.rename(kept)
    return kept
