"""A recorded decision, made once more from its journal alone, is the recorded one to the byte."""

from pathlib import Path

from fks_actors.model.records import CycleOutcome
from tests.market import SYMBOLS, batches
from tests.recorded_desk import RecordedDesk, replayed, settings

BARS = 420


async def test_replay_when_a_desk_traded_then_every_decision_is_identical(tmp_path: Path) -> None:
    desk = await RecordedDesk(tmp_path / "j.db", SYMBOLS, settings()).begin()
    await desk.bars(batches(BARS))
    found = await replayed(desk.url)
    for c in found.differing[:3]:
        print(c.recorded.decision_id, c.differences())
    assert (found.decisions, found.identical) == (2 * BARS, 2 * BARS)
    assert (found.points, found.points_differ) == (BARS - 1, 0)
    assert found.unsettled == []
    outcomes, _ = desk.journal.decisions("", 2 * BARS)
    assert {c.outcome for c in outcomes} > {CycleOutcome.ORDERED, CycleOutcome.NO_CHANGE}
