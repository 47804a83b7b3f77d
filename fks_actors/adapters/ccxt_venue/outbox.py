"""What the venue has said and nobody has taken yet. Nothing leaves before it is proved to be written down."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from fks_actors.model.orders import Order, VenueEvent
from fks_actors.model.records import AuditRecord

Item = VenueEvent | Order | AuditRecord


@dataclass(frozen=True, slots=True)
class Handed:
    """Everything that is waiting, in the order in which it was put; `upto` names the last of it."""

    events: tuple[VenueEvent, ...]
    adopted: tuple[Order, ...]
    notes: tuple[AuditRecord, ...]
    upto: int

    def __bool__(self) -> bool:
        return bool(self.events or self.adopted or self.notes)


class Outbox:
    """A queue that is read again and again until `drop` says how far its reader has come."""

    def __init__(self) -> None:
        self._items: list[tuple[int, Item]] = []
        self._last = 0
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Something to tell: an event, an adopted order, a note for the audit log."""
        self._last += 1
        self._items.append((self._last, item))
        self._news.set()

    def put_all(self, items: Iterable[Item]) -> None:
        """Several, in turn."""
        for item in items:
            self.put(item)

    def hand_out(self) -> Handed:
        """Everything that waits. It keeps waiting until it is dropped."""
        self._news.clear()
        items = [item for _, item in self._items]
        return Handed(
            tuple(i for i in items if not isinstance(i, Order | AuditRecord)),
            tuple(i for i in items if isinstance(i, Order)),
            tuple(i for i in items if isinstance(i, AuditRecord)),
            self._last,
        )

    def drop(self, upto: int) -> None:
        """Forget what was handed out up to there: it is written down."""
        self._items = [(n, item) for n, item in self._items if n > upto]

    async def news(self, wait_s: float) -> bool:
        """Wait until something was put that was never handed out; whether there is."""
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            return False
        return True
