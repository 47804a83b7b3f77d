"""Keeps the scored headlines of the desk's assets, answers at a bar from those published up to its close, remembers.

An answer is a function of the headlines held and the bar. What makes it repeatable where headlines come late: the same
batch again is answered from memory, and every `checkpoint_bars` a snapshot goes into the bar's commit, with the
headlines and the last ballots, from which a killed mind goes on. A snapshot holds ids and numbers, never a text.
"""

import bisect
import logging
from collections import OrderedDict, deque
from collections.abc import Iterable

import msgspec

from fks_actors.agents import sentiment
from fks_actors.agents.config import SentimentConfig
from fks_actors.agents.sentiment import MARKET, Scored
from fks_actors.desk.config import mind_owner
from fks_actors.desk.mind_keeper import Answer, History
from fks_actors.errors import DataError
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote

_ANSWERS = 128
_log = logging.getLogger(__name__)


class _Item(msgspec.Struct, frozen=True, array_like=True):
    id: str
    ts_ms: int
    value: float
    weight: float


class _Said(msgspec.Struct, frozen=True):
    ts_ms: int
    reason: str
    action: Action | None = None
    confidence: float = 0.0
    facts: tuple[tuple[str, float], ...] = ()
    detail: str = ""


class _State(msgspec.Struct, frozen=True):
    model: str
    own: tuple[_Item, ...]
    market: tuple[_Item, ...]
    said: tuple[_Said, ...]


class Shelf:
    """The newest headlines of one asset, by time; a headline stands once, as it was put first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._ids: set[str] = set()
        self._items: list[Scored] = []

    def __len__(self) -> int:
        return len(self._items)

    def put(self, scored: Scored) -> None:
        """Take in a headline; where there is no room, the oldest goes."""
        if scored.id in self._ids:
            return
        self._ids.add(scored.id)
        bisect.insort(self._items, scored, key=_order)
        if len(self._items) > self._capacity:
            self._ids.discard(self._items.pop(0).id)

    def between(self, after_ms: int, until_ms: int) -> list[Scored]:
        """Those published after an instant and up to another, oldest first."""
        begin = bisect.bisect_right(self._items, after_ms, key=_time)
        return self._items[begin : bisect.bisect_right(self._items, until_ms, key=_time)]


class NewsKeeper:
    """The sentiment mind of several symbols.

    Args:
        model: the name of the model that scored; a snapshot of another's scores is not taken up.
    """

    def __init__(self, config: SentimentConfig, model: str, history: History) -> None:
        self._config = config
        self._model = model
        self._history = history
        self._shelves: dict[str, Shelf] = {}
        self._said: dict[str, deque[Ballot]] = {}
        self._answered: OrderedDict[BarBatch, Answer] = OrderedDict()

    def put(self, asset: str, scored: Scored) -> None:
        """Take in a headline about an asset (BTC), or about the market (MARKET)."""
        shelf = self._shelves.get(asset)
        if shelf is None:
            shelf = self._shelves[asset] = Shelf(self._config.max_headlines)
        shelf.put(scored)

    def remembered(self, batch: BarBatch) -> Answer | None:
        """The answer that was given to this very batch."""
        return self._answered.get(batch)

    async def restore(self, symbols: Iterable[str]) -> None:
        """Take up the snapshots of symbols that were not seen since this keeper was made."""
        for symbol in symbols:
            if symbol not in self._said:
                held = await self._history.snapshot(mind_owner(sentiment.AGENT, symbol))
                self._said[symbol] = deque(maxlen=self._config.checkpoint_bars)
                if held.payload:
                    self._take_up(symbol, held.payload)

    def ask(self, batch: BarBatch) -> Answer:
        """One ballot a symbol, and its snapshot where one is due; the same batch again is answered from memory."""
        if (known := self._answered.get(batch)) is not None:
            return known
        ballots = tuple(self._ballot(candle.symbol, batch) for candle in batch.candles)
        taken = [self._snapshot(candle.symbol, batch) for candle in batch.candles] if self._is_due(batch) else []
        answer = ballots, tuple(taken)
        self._answered[batch] = answer
        if len(self._answered) > _ANSWERS:
            self._answered.popitem(last=False)
        return answer

    def held(self, symbol: str, close_ms: int) -> list[Scored]:
        """The headlines that count for a symbol at an instant, those on the market with their share."""
        begin_ms, share = close_ms - self._config.window_ms, self._config.market_share
        own = self._between(_base(symbol), begin_ms, close_ms)
        market = self._between(MARKET, begin_ms, close_ms)
        return [*own, *(Scored(each.id, each.ts_ms, each.value, share * each.weight) for each in market)]

    def _between(self, asset: str, after_ms: int, until_ms: int) -> list[Scored]:
        shelf = self._shelves.get(asset)
        return shelf.between(after_ms, until_ms) if shelf is not None else []

    def _ballot(self, symbol: str, batch: BarBatch) -> Ballot:
        said = self._said.setdefault(symbol, deque(maxlen=self._config.checkpoint_bars))
        if (known := next((ballot for ballot in said if ballot.ts_ms == batch.ts_ms), None)) is not None:
            return known
        seen = sentiment.view(self.held(symbol, batch.close_ms), symbol, batch.close_ms, self._config)
        ballot = sentiment.vote(seen, batch.ts_ms, self._config)
        said.append(ballot)
        return ballot

    def _is_due(self, batch: BarBatch) -> bool:
        return (batch.ts_ms // batch.interval_ms + 1) % self._config.checkpoint_bars == 0

    # --- snapshots ---

    def _snapshot(self, symbol: str, batch: BarBatch) -> Snapshot:
        begin_ms = batch.close_ms - self._config.window_ms
        state = _State(
            self._model,
            tuple(_item(each) for each in self._between(_base(symbol), begin_ms, batch.close_ms)),
            tuple(_item(each) for each in self._between(MARKET, begin_ms, batch.close_ms)),
            tuple(_told(ballot) for ballot in self._said[symbol] if ballot.ts_ms <= batch.ts_ms),
        )
        return Snapshot(mind_owner(sentiment.AGENT, symbol), msgspec.json.encode(state))

    def _take_up(self, symbol: str, payload: bytes) -> None:
        try:
            state = _read(payload)
        except DataError as error:
            _log.warning("the news of %s are gathered anew: %s", symbol, error)
            return
        self._said[symbol].extend(_ballot_of(symbol, said) for said in state.said)
        if state.model != self._model:
            _log.info("the news of %s were scored by %s: they are scored anew", symbol, state.model)
            return
        for asset, items in ((_base(symbol), state.own), (MARKET, state.market)):
            for item in items:
                self.put(asset, Scored(item.id, item.ts_ms, item.value, item.weight))


def _read(payload: bytes) -> _State:
    try:
        state = msgspec.json.decode(payload, type=_State)
        _ = [AbstainReason(said.reason) for said in state.said if said.action is None]
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"the snapshot cannot be read: {error}") from error
    if not all(-1.0 <= each.value <= 1.0 and 0.0 <= each.weight <= 1.0 for each in (*state.own, *state.market)):
        raise DataError("the snapshot holds a score or a weight out of range")
    if not all(0.0 <= said.confidence <= 1.0 for said in state.said):
        raise DataError("the snapshot holds a confidence out of range")
    return state


def _item(scored: Scored) -> _Item:
    return _Item(scored.id, scored.ts_ms, scored.value, scored.weight)


def _told(ballot: Ballot) -> _Said:
    if isinstance(ballot, Abstain):
        return _Said(ballot.ts_ms, ballot.reason, detail=ballot.detail)
    return _Said(ballot.ts_ms, ballot.reason, ballot.action, ballot.confidence, ballot.facts)


def _ballot_of(symbol: str, said: _Said) -> Ballot:
    if said.action is None:
        return Abstain(sentiment.AGENT, symbol, said.ts_ms, AbstainReason(said.reason), said.detail)
    return Vote(sentiment.AGENT, symbol, said.ts_ms, said.action, said.confidence, said.reason, said.facts)


def _base(symbol: str) -> str:
    return symbol.partition("/")[0]


def _order(scored: Scored) -> tuple[int, str]:
    return scored.ts_ms, scored.id


def _time(scored: Scored) -> int:
    return scored.ts_ms
