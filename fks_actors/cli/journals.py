"""Where the journals lie: one folder a feed under FKS_HOME, or one database by URL."""

import re
import time
from pathlib import Path
from urllib.parse import quote

from fks_actors.cli.session import find_running
from fks_actors.errors import JournalError, JournalUnavailable, NotRunning
from fks_actors.home import Home
from fks_actors.settings import Settings

_ASIDE = re.compile(r"\.\d{8}-\d{6}(-\d+)?")


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file, whatever characters its path holds."""
    return f"sqlite:///{quote(str(path))}"


def journal_urls(home: Home, settings: Settings, feed: str) -> tuple[str, str]:
    """(journal URL, inbox URL) for a feed; on SQLite two files, so that alerts never wait for the desk's commits.

    Raises:
        JournalUnavailable: the folder cannot be made.
    """
    if settings.journal.url:
        return settings.journal.url, settings.journal.url
    folder = home.journal_dir(feed)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalUnavailable(f"{folder} cannot be made: {error.strerror}; check the disk and its rights") from None
    return sqlite_url(folder / "journal.db"), sqlite_url(folder / "inbox.db")


def kept_journals(home: Home) -> list[Path]:
    """The journals under FKS_HOME that were not set aside, the one that was written last at the end."""
    found = []
    for path in home.root.glob("journals/*/journal.db"):
        if not _ASIDE.fullmatch(path.parent.suffix):
            try:
                found.append((_written(path), path))
            except OSError:
                continue
    return [path for _, path in sorted(found)]


def newest_journal_url(home: Home) -> str:
    """The running desk's journal, else the one that was written last.

    Raises:
        JournalError: there is none.
    """
    try:
        return find_running(home).journal_url
    except NotRunning:
        found = kept_journals(home)
    if not found:
        raise JournalError(f"no journal in {home.root}/journals yet; `fks up` starts one")
    return sqlite_url(found[-1])


def set_aside(home: Home, feed: str) -> Path | None:
    """Move a feed's journal out of the way, so that the next run starts afresh; nothing is deleted.

    Returns:
        Where it lies now, None where there was none.

    Raises:
        JournalUnavailable: it cannot be moved.
    """
    folder = home.journal_dir(feed)
    if not (folder / "journal.db").exists():
        return None
    stem = f"{folder.name}.{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    kept = folder.with_name(stem)
    count = 1
    while kept.exists():
        count += 1
        kept = folder.with_name(f"{stem}-{count}")
    try:
        folder.rename(kept)
    except OSError as error:
        raise JournalUnavailable(f"{folder} cannot be set aside: {error.strerror}; move it away by hand") from None
    return kept


def _written(path: Path) -> float:
    """SQLite writes to the log beside the file first."""
    log = path.with_name(path.name + "-wal")
    return max(path.stat().st_mtime, log.stat().st_mtime if log.exists() else 0.0)
