"""What a news source gives: headlines, each with an id of our own making and the time that the source states.

A headline's text is untrusted. It is read by the filter and the model of this process and goes no further; what leaves
are ids and numbers.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Headline:
    """One headline. `id` = `headline_id`; `symbols` = the base currencies (BTC) that the source itself names."""

    id: str
    source: str
    title: str
    published_ms: int
    symbols: tuple[str, ...] = ()


class NewsSource(Protocol):
    """Where headlines come from. Fetching again is harmless: what was given before comes again under the same id."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    async def fetch(self, since_ms: int) -> list[Headline]:
        """What is known of the headlines published at or after an instant (UTC ms), in any order.

        Raises:
            NewsUnavailable: none came; `retry_after_s` tells when to ask again, where that is known.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def headline_id(source: str, native: str) -> str:
    """16 hex digits made of the source's name and its own id (or URL, or text), which may be anything."""
    return hashlib.blake2b(f"{source}\0{native}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
