"""The sentiment mind as an actor: reads headlines, scores them, and votes on what was published up to a bar's close.

Live, it polls its sources in the background and answers from what it has; in a replay it reads files up to the clock of
the bars, so that no answer depends on what came later. Its texts stay here; ids and numbers leave. A source, a Redis or
a model that fails makes it poorer, or lets it abstain, and stops nobody else.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.newsroom import Newsroom
from fks_actors.actors.presence import Presence
from fks_actors.actors.wiring import NewsRooms
from fks_actors.adapters.news.cache import open_cache
from fks_actors.adapters.news.factory import Surroundings, open_sources
from fks_actors.adapters.news.http import Edge
from fks_actors.adapters.news.intake import REPEAT_SPAN_MS, Notes
from fks_actors.adapters.news.poller import Poller
from fks_actors.adapters.news.port import Headline
from fks_actors.adapters.sentiment import factory
from fks_actors.adapters.sentiment.port import SentimentModel
from fks_actors.agents import sentiment
from fks_actors.desk.mind_keeper import Answer, History
from fks_actors.errors import FksError, ModelUnavailable
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Abstain, AbstainReason, Vote

_AGAIN_S = 60.0
_FILES = frozenset({"file"})


@dataclass(frozen=True, slots=True)
class Outside:
    """What the actor meets: the journal, the model (opened in a thread), the clocks, luck, and where keys are found."""

    history: History
    open_model: Callable[[], SentimentModel]
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    clock_s: Callable[[], float] = time.monotonic
    luck: Callable[[], float] = random.random
    environment: Mapping[str, str] | None = None


class SentimentActor(Presence):
    """Reads the news and votes on them."""

    def __init__(self, rooms: NewsRooms, namespace: str, outside: Outside | None = None) -> None:
        """`outside`: what it meets; by default the cluster's journal, the configured model and real time."""
        super().__init__(sentiment.AGENT)
        self._rooms = rooms
        self._outside = outside or Outside(JournalHandle(namespace), lambda: factory.open_model(rooms.model))
        self._lock, self._opening = asyncio.Lock(), asyncio.Lock()
        self._bars_ms = 0
        self._bases = tuple(dict.fromkeys(symbol.partition("/")[0] for symbol in rooms.symbols))
        self._notes = Notes(self._taken, self._dropped, self._asked)
        self._cache = open_cache(rooms.redis_url)
        edge = Edge(self._outside.clock_s, self._now_ms, self._outside.luck)
        around = Surroundings(self._bases, self._cache, self._notes, rooms.redis_url, edge, self._outside.environment)
        self._sources = open_sources(rooms.news, around, None if rooms.live else _FILES)
        self._poller = Poller(
            self._sources, self._polled, rooms.agent.window_ms + REPEAT_SPAN_MS, self._now_ms, self._aged
        )
        self._model: SentimentModel | None = None
        self._not_before_s = 0.0
        self._newsroom: Newsroom | None = None
        self._troubles: dict[str, str] = {}
        self._polling: asyncio.Task[None] | None = None
        self._vote_seconds = self.telemetry.histogram("fks_vote_duration_seconds", sentiment.AGENT)

    async def start(self) -> None:
        """Begin to poll, on a live desk; idempotent. The constructor's wrapper calls it."""
        if self._polling is None and self._rooms.live and self._sources:
            self._polling = asyncio.create_task(self._poller.run(), name="news")

    async def close(self) -> None:
        """End the polling and let go of connections."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
        for opened in self._sources:
            await opened.source.close()
        await self._cache.close()

    def activity(self) -> str:
        """How many sources there are, and what is wrong with those that give nothing."""
        troubles = {**self._poller.troubles, **self._troubles}
        said = "; ".join(f"{name}: {trouble}" for name, trouble in sorted(troubles.items()))
        return f"ready, {len(self._sources)} news sources" + (f", degraded: {said}" if said else "")

    async def ask(self, batch: BarBatch, previous_ms: Mapping[str, int]) -> Answer:
        """Vote on the headlines published up to the batch's close; the same batch again has the same answer."""
        start = time.perf_counter()
        async with self._lock:
            answer = await self._answer(batch)
        self._vote_seconds.observe(time.perf_counter() - start)
        return answer

    async def ask_ahead(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> list[Answer]:
        """Answers to several batches in turn, in one call."""
        async with self._lock:
            return [await self._answer(batch) for batch in batches]

    async def learn(self, batches: Sequence[BarBatch], previous_ms: Mapping[str, int]) -> tuple[Snapshot, ...]:
        """Nothing: the bars of history say nothing of the news, and news are read when they are asked for."""
        return ()

    # --- an answer ---

    async def _answer(self, batch: BarBatch) -> Answer:
        if not self._sources:
            none = "no news file is configured, and a replay asks no other source"
            lacking = none if self._rooms.news.sources else "no news source is configured"
            return _abstain(batch, AbstainReason.NO_DATA, lacking)
        try:
            newsroom = await self._room()
            if (known := newsroom.keeper.remembered(batch)) is not None:
                return known
            if not self._rooms.live:
                newsroom = await self._read_up_to(newsroom, batch.close_ms)
            await newsroom.keeper.restore(candle.symbol for candle in batch.candles)
        except FksError as error:
            return _abstain(batch, AbstainReason.FAILED, str(error))
        answer = newsroom.keeper.ask(batch)
        for ballot in answer[0]:
            if isinstance(ballot, Vote):
                self.telemetry.gauge("fks_sentiment_score", ballot.symbol).set(dict(ballot.facts)["score"])
        return answer

    async def _read_up_to(self, newsroom: Newsroom, close_ms: int) -> Newsroom:
        """Let the clock of the bars go on to a bar's close, or back to it, in a new room."""
        if newsroom.is_past(close_ms):
            self._newsroom = None
            newsroom = await self._room()
        self._bars_ms = close_ms
        await newsroom.read(self._sources, close_ms, self._trouble)
        return newsroom

    async def _room(self) -> Newsroom:
        async with self._opening:
            if self._newsroom is None:
                rooms = self._rooms
                weights = {name: source.weight for name, source in rooms.news.sources.items()}
                model = await self._opened()
                self._newsroom = Newsroom(
                    model, self._cache, rooms.news.cache_ttl_s, rooms.agent, self._bases, weights, self._notes,
                    self._outside.history,
                )  # fmt: skip
            return self._newsroom

    async def _opened(self) -> SentimentModel:
        """The model, which is tried again a minute after it could not be opened."""
        if self._model is None:
            if self._outside.clock_s() < self._not_before_s:
                raise ModelUnavailable("sentiment", self._troubles.get("model", ""))
            try:
                self._model = await asyncio.to_thread(self._outside.open_model)
            except Exception as error:
                self._not_before_s = self._outside.clock_s() + _AGAIN_S
                said = str(error) if isinstance(error, FksError) else type(error).__name__
                self._trouble("model", f"it cannot be opened: {said}")
                raise ModelUnavailable("sentiment", self._troubles["model"]) from error
            self._trouble("model", "")
        return self._model

    async def _polled(self, headlines: Sequence[Headline]) -> None:
        await (await self._room()).take(headlines, self._now_ms())

    def _now_ms(self) -> int:
        """The desk's time: the wall clock where it is live, else the close of the bar that is asked about."""
        return self._outside.now_ms() if self._rooms.live else self._bars_ms

    # --- what is counted ---

    def _trouble(self, name: str, message: str) -> None:
        if message:
            self._troubles[name] = message
        else:
            self._troubles.pop(name, None)

    def _taken(self, source: str) -> None:
        self.telemetry.counter("fks_headlines_total", source).inc()

    def _dropped(self, reason: str) -> None:
        self.telemetry.counter("fks_headlines_dropped_total", reason).inc()

    def _asked(self, source: str, outcome: str) -> None:
        self.telemetry.counter("fks_news_requests_total", source, outcome).inc()

    def _aged(self, source: str, age_s: float) -> None:
        self.telemetry.gauge("fks_news_age_seconds", source).set(age_s)


def _abstain(batch: BarBatch, reason: AbstainReason, detail: str) -> Answer:
    return tuple(Abstain(sentiment.AGENT, c.symbol, batch.ts_ms, reason, detail) for c in batch.candles), ()
