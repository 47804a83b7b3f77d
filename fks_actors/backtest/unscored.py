"""The worth of minds in a run where it changes nothing: a mind alone weighs 1, however well it does."""

from collections.abc import Iterable

from fks_actors.desk.scoring import CALIBRATION_OWNER, Scoring
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Ballot

_NOTHING = Snapshot(CALIBRATION_OWNER, b"")


class Unscored(Scoring):
    """Learns nothing."""

    def note(self, batch: BarBatch, ballots: Iterable[Ballot] = ()) -> Snapshot:
        """Pass over it."""
        return _NOTHING
