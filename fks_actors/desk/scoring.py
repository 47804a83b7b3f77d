"""The desk's calibration: fed with each cycle's bars and ballots, written with the commit of the bar.

What a bar teaches weighs from the next bar on: the weights that a debate is told are those of the commit before it, so
a step that is asked again is told the same.
"""

from collections.abc import Iterable, Mapping

from fks_actors.errors import DataError, JournalCorrupt
from fks_actors.model.candles import BarBatch
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Ballot
from fks_actors.reflection.calibration import Calibration
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.scores import Score, weights

CALIBRATION_OWNER = "calibration"
"""The calibration's name in the journal's snapshots."""


class Scoring:
    """What the desk knows of its minds' worth.

    Args:
        config: how they are scored.
    """

    def __init__(self, config: ReflectionConfig) -> None:
        self._config = config
        self._calibration = Calibration(config)
        self._scores: tuple[Score, ...] = ()
        self._weights: dict[str, float] = {}

    @property
    def weights(self) -> Mapping[str, float]:
        """What each mind's vote weighs, by agent; a mind without an outcome is not named."""
        return dict(self._weights)

    @property
    def scores(self) -> tuple[Score, ...]:
        """One score for each mind that has an outcome."""
        return self._scores

    @property
    def scores_by_regime(self) -> tuple[Score, ...]:
        """One score for each mind and regime that has an outcome."""
        return self._calibration.scores_by_regime()

    def note(self, batch: BarBatch, ballots: Iterable[Ballot] = ()) -> Snapshot:
        """Move on to the batch and what was said of it; the snapshot that goes with its commit."""
        self._calibration.observe(batch)
        self._calibration.claim(ballots)
        self._weigh()
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """What is known, as a snapshot."""
        return Snapshot(CALIBRATION_OWNER, self._calibration.encode())

    def restore(self, payload: bytes) -> None:
        """Take up a snapshot's content; an empty one leaves nothing known.

        Raises:
            JournalCorrupt: the bytes are no calibration.
        """
        try:
            self._calibration.restore(payload)
        except DataError as error:
            raise JournalCorrupt(str(error)) from error
        self._weigh()

    def _weigh(self) -> None:
        self._scores = self._calibration.scores()
        self._weights = weights(self._scores, self._config)
