"""From headlines to numbers: what is known, unfit or told before is left out, the rest is scored and loses its text.

Everything is decided headline by headline in the order of publication, by rules that look back a bounded time: the same
headlines make the same numbers, whenever they are read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fks_actors.adapters.news.assets import Assets
from fks_actors.adapters.news.dedupe import Dedupe, Seen
from fks_actors.adapters.news.filter import clean
from fks_actors.adapters.news.port import Headline
from fks_actors.adapters.news.scoring import Scorer
from fks_actors.agents.sentiment import Scored

REPEAT_SPAN_MS = 48 * 3_600_000
"""How far apart two headlines are published at most that are taken for the same news."""

_EARLY_MS = 300_000
_PENDING = 4_000


@dataclass(frozen=True, slots=True)
class Notes:
    """Whom the room tells what it counts."""

    taken: Callable[[str], None] = lambda _: None
    dropped: Callable[[str], None] = lambda _: None
    request: Callable[[str, str], None] = lambda _, __: None


@dataclass(frozen=True, slots=True)
class _Waiting:
    headline: Headline
    text: str
    assets: frozenset[str]


class Intake:
    """Takes headlines in.

    Args:
        weights: what a source's headlines count, 0 to 1.
        window_ms: older headlines count for nothing and are passed over.
    """

    def __init__(
        self, scorer: Scorer, assets: Assets, weights: Mapping[str, float], window_ms: int, notes: Notes
    ) -> None:
        self._scorer = scorer
        self._assets = assets
        self._weights = weights
        self._reach_ms = window_ms + REPEAT_SPAN_MS
        self._notes = notes
        self._dedupe = Dedupe(REPEAT_SPAN_MS, self._reach_ms)
        self._waiting: deque[_Waiting] = deque(maxlen=_PENDING)
        self._lock = asyncio.Lock()

    @property
    def reach_ms(self) -> int:
        """How far back headlines are read, so that those of the window are told from repetitions."""
        return self._reach_ms

    async def take(self, headlines: Sequence[Headline], now_ms: int) -> list[tuple[str, Scored]]:
        """The new ones among the headlines, each with the assets that it is about (one pair an asset).

        Raises:
            ModelUnavailable: the model failed; what it did not score is scored with the next headlines.
        """
        async with self._lock:
            for headline in sorted(headlines, key=lambda h: (h.published_ms, h.source, h.id)):
                self._sift(headline, now_ms)
            return await self._scored()

    def _sift(self, headline: Headline, now_ms: int) -> None:
        at_ms = headline.published_ms
        if at_ms <= now_ms - self._reach_ms or self._dedupe.knows(headline.id):
            return
        if at_ms > now_ms + _EARLY_MS:
            self._notes.dropped("future")
            return
        text, reason = clean(headline.title)
        seen = self._dedupe.look(headline.id, text, at_ms)
        if reason is not None:
            self._notes.dropped(reason)
        elif seen is not Seen.NEW:
            self._notes.dropped(seen)
        elif not (assets := self._assets.find(text, headline.symbols)):
            self._notes.dropped("other_asset")
        else:
            if len(self._waiting) == _PENDING:
                self._notes.dropped("overflow")
            self._waiting.append(_Waiting(headline, text, assets))

    async def _scored(self) -> list[tuple[str, Scored]]:
        if not self._waiting:
            return []
        batch = list(self._waiting)
        values = await self._scorer.score([each.text for each in batch])
        self._waiting.clear()
        found = []
        for each, value in zip(batch, values, strict=True):
            if value is None:
                self._notes.dropped("unscored")
                continue
            self._notes.taken(each.headline.source)
            weight = self._weights.get(each.headline.source, 1.0)
            scored = Scored(each.headline.id, each.headline.published_ms, value, weight)
            found += [(asset, scored) for asset in sorted(each.assets)]
        return found
