"""Recorded headlines: CSV with the columns published, source, subject, title, or JSON lines with the same keys.

Either may be gzipped. A headline is released no earlier than its time: the clock is an argument, the bars' in a replay
and the wall's in a live desk. A file that changed is read again.
"""

import asyncio
import bisect
import csv
import gzip
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from fks_actors.adapters.news.config import NewsSourceConfig
from fks_actors.adapters.news.port import Headline, headline_id
from fks_actors.adapters.news.times import read_ms
from fks_actors.errors import NewsUnavailable

_MAX_LINE = 16_384
_SUBJECTS: Mapping[str, str] = {"bitcoin": "BTC", "ethereum": "ETH"}
_SUFFIXES = (".csv", ".jsonl", ".ndjson")


class FileSource:
    """One file.

    Args:
        now_ms: nothing that was published after this instant is released.
        max_rows: rows beyond are not read.
        dropped: told why a row could not be used.
    """

    def __init__(
        self,
        name: str,
        config: NewsSourceConfig,
        now_ms: Callable[[], int],
        max_rows: int,
        dropped: Callable[[str], None],
        outcome: Callable[[str], None],
    ) -> None:
        self._name = name
        self._path = Path(config.path).expanduser()
        self._keywords = tuple(word.casefold() for word in config.keywords)
        self._symbols = config.symbols
        self._now_ms = now_ms
        self._max_rows = max_rows
        self._dropped = dropped
        self._outcome = outcome
        self._stamp: tuple[int, int] | None = None
        self._held: list[Headline] = []

    @property
    def name(self) -> str:
        """As the port."""
        return self._name

    async def fetch(self, since_ms: int) -> list[Headline]:
        """As the port, in the order of publication, up to the present."""
        try:
            if (stamp := self._stamped()) != self._stamp:
                self._held = await asyncio.to_thread(self._read)
                self._stamp = stamp
                self._outcome("ok")
        except (OSError, EOFError, ValueError, csv.Error) as error:
            self._outcome("unreadable")
            raise NewsUnavailable(self._name, f"its file cannot be read: {type(error).__name__}") from None
        begin = bisect.bisect_left(self._held, since_ms, key=_published)
        end = bisect.bisect_right(self._held, self._now_ms(), key=_published)
        return self._held[begin:end]

    async def close(self) -> None:
        """Nothing is held open."""

    def _stamped(self) -> tuple[int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size

    def _read(self) -> list[Headline]:
        name = self._path.name.lower().removesuffix(".gz")
        if not name.endswith(_SUFFIXES):
            raise ValueError(f"a news file ends in {', '.join(_SUFFIXES)}, or one of these and .gz")
        is_packed = self._path.name.lower().endswith(".gz")
        with gzip.open(self._path) if is_packed else self._path.open("rb") as opened:
            lines: IO[bytes] = opened  # type: ignore[assignment]  # a GzipFile reads like one
            rows = _csv_rows(lines) if name.endswith(".csv") else _json_rows(lines)
            found = (self._headline(row) for row in itertools.islice(rows, self._max_rows))
            kept = [headline for headline in found if headline is not None]
        return sorted(kept, key=lambda headline: (headline.published_ms, headline.id))

    def _headline(self, row: Mapping[str, Any] | None) -> Headline | None:
        title = row.get("title") if row is not None else None
        published_ms = read_ms(row.get("published")) if row is not None else None
        if row is None or not isinstance(title, str) or published_ms is None:
            self._dropped("malformed")
            return None
        if self._keywords and not any(word in title.casefold() for word in self._keywords):
            return None
        subject = _SUBJECTS.get(str(row.get("subject", "")).lower())
        native = f"{published_ms} {row.get('source', '')} {title}"
        symbols = tuple(dict.fromkeys((*((subject,) if subject else ()), *self._symbols)))
        return Headline(headline_id(self._name, native), self._name, title, published_ms, symbols)


def _published(headline: Headline) -> int:
    return headline.published_ms


def _lines(binary: IO[bytes]) -> Iterator[str]:
    """Lines of a bounded length; the rest of a longer one is passed over."""
    while line := binary.readline(_MAX_LINE):
        whole = line
        while whole and not whole.endswith(b"\n"):
            whole = binary.readline(_MAX_LINE)
        yield line.decode("utf-8", "replace").replace("\0", "\ufffd")


def _csv_rows(binary: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    rows = csv.DictReader(_lines(binary))
    if not {"published", "title"} <= set(rows.fieldnames or ()):
        raise ValueError("the first line names no columns published and title")
    yield from rows


def _json_rows(binary: IO[bytes]) -> Iterator[Mapping[str, Any] | None]:
    for line in _lines(binary):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            row = None
        yield row if isinstance(row, dict) else None
