"""A connector's replies, step by step: what was handed out is dropped once a later step proves that it was written.

A step's `after` is the commit on which it builds. Where that is an earlier reply's request, the reply was committed and
its events are never told again; until then every reply tells them anew. A repeated step gets the same reply.
"""

from collections import OrderedDict
from collections.abc import Mapping

from fks_actors.adapters.ccxt_venue.outbox import Outbox
from fks_actors.desk.lineage import Step
from fks_actors.desk.ports import VenueReply
from fks_actors.model.markets import Quote
from fks_actors.model.records import Snapshot

_REMEMBERED = 64


class Replies:
    """The replies of one connector. `owner` is its name in the journal's snapshots."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._given: OrderedDict[str, int] = OrderedDict()
        self._last: tuple[str, str, VenueReply] | None = None
        self._written = b""

    def repeated(self, step: Step) -> VenueReply | None:
        """The reply that this very step was given before."""
        last = self._last
        return last[2] if last is not None and last[:2] == (step.request_id, step.after) else None

    def settle(self, step: Step, outbox: Outbox) -> None:
        """Drop what the step proves to be written down."""
        upto = self._given.get(step.after)
        if upto is None:
            return
        outbox.drop(upto)
        while self._given and next(iter(self._given.values())) <= upto and len(self._given) > 1:
            self._given.popitem(last=False)

    def reply(self, step: Step, outbox: Outbox, notes: bytes, stale: bool, quotes: Mapping[str, Quote]) -> VenueReply:
        """Hand out everything that waits. `notes` go along where there is something to tell, or they are `stale`."""
        handed = outbox.hand_out()
        snapshot = None
        if handed or (stale and notes != self._written):
            snapshot = Snapshot(self._owner, notes)
            self._written = notes
            self._given[step.request_id] = handed.upto
            if len(self._given) > _REMEMBERED:
                self._given.popitem(last=False)
        reply = VenueReply(handed.events, snapshot, handed.adopted, dict(quotes), handed.notes)
        self._last = (step.request_id, step.after, reply)
        return reply
