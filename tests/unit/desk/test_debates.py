"""What models said is recorded with the decision, whatever came of it, and reaches no venue around risk."""

from dataclasses import replace as with_ports
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.journal.codec import decode, encode
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Debate
from fks_actors.model.orders import Fill
from fks_actors.model.records import CycleOutcome, CycleRecord
from fks_actors.model.votes import Action
from fks_actors.risk.config import RiskConfig
from tests.debaters import TURNS
from tests.in_process import Breaker, InProcessDesk, run_record
from tests.market import SYMBOLS, batches


class Debating:
    """The minds of a desk, after whom models make of every verdict `action`."""

    def __init__(self, inside: InProcessDesk, action: Action) -> None:
        self._inside, self._action = inside, action
        self.briefings: list[Briefing] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)

    async def deliberate(self, batch: BarBatch, briefing: Briefing) -> Deliberation:
        """What they said, and a debate of each symbol."""
        self.briefings.append(briefing)
        said = await self._inside.deliberate(batch, briefing)
        after = 0.0 if self._action is Action.HOLD else 0.65
        verdicts = tuple(replace(v, action=self._action, leaning=self._action, strength=after) for v in said.verdicts)
        debates = {v.symbol: Debate(("grey_band",), TURNS, 0.5, 0.9, after, 9) for v in said.verdicts}
        return replace(said, verdicts=verdicts, debates=debates)


async def told(action: Action, risk: RiskConfig | None = None, bars: int = 3) -> tuple[InProcessDesk, Debating]:
    home = InProcessDesk(SYMBOLS, Breaker(0, 0), risk=risk)
    minds = Debating(home, action)
    desk = home.desk
    desk._ports = with_ports(desk._ports, minds=minds)  # type: ignore[arg-type]
    await desk.recover()
    await desk.begin(run_record(SYMBOLS))
    for batch in batches(bars):
        await desk.run_cycle(batch)
    return home, minds


@pytest.mark.parametrize(
    ("action", "risk", "outcome"),
    [
        (Action.HOLD, None, CycleOutcome.NO_QUORUM),
        (Action.BUY, None, CycleOutcome.ORDERED),
        (Action.BUY, RiskConfig(orders_per_minute=1), CycleOutcome.DENIED),
        (Action.SELL, None, CycleOutcome.NO_CHANGE),
    ],
)
async def test_cycle_when_models_debated_then_it_is_recorded_whatever_came_of_it(
    action: Action, risk: RiskConfig | None, outcome: CycleOutcome
) -> None:
    home, _ = await told(action, risk)
    cycles = [entry for entry in home.journal.entries if isinstance(entry, CycleRecord)]
    assert outcome in {cycle.outcome for cycle in cycles}
    assert all(cycle.debate is not None and cycle.debate.turns == TURNS for cycle in cycles)
    assert [decode(encode(cycle)) for cycle in cycles] == cycles


async def test_briefing_when_equity_is_known_then_the_stake_is_what_risk_would_allow_at_most() -> None:
    home, minds = await told(Action.HOLD)
    first, *later = minds.briefings
    assert set(first.stakes.values()) == {Decimal(0)}
    assert {stake for briefing in later for stake in briefing.stakes.values()} == {Decimal(500)}
    last = batches(3)[-1]
    asked = home.desk.briefing(last)
    assert asked.stakes == dict.fromkeys(SYMBOLS, Decimal(500))
    assert asked.previous_ms == dict.fromkeys(SYMBOLS, last.ts_ms)


async def test_briefing_when_the_desk_starts_again_then_it_tells_the_same_to_the_last_digit() -> None:
    home, _ = await told(Action.BUY, bars=40)
    assert any(isinstance(entry, Fill) for entry in home.journal.entries)
    following = batches(41)[-1]
    before = home.desk.briefing(following)
    again = home.new_desk()
    await again.recover()
    assert repr(again.briefing(following)) == repr(before)
    assert before.stakes[SYMBOLS[0]] not in {0, 500}
