"""The council: which verdicts models may debate, what looking ahead leaves alone, and that questions change nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors.council import Council
from fks_actors.adapters.checkpoints import Checkpoints
from fks_actors.agents.config import DebateConfig
from fks_actors.agents.floor import Debaters
from fks_actors.desk.ports import Briefing, Deliberation
from fks_actors.errors import ActorUnavailable
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Brief, CallOutcome, Role
from fks_actors.model.records import Snapshot
from fks_actors.model.votes import Abstain, Action, Ballot, Verdict, Vote
from tests.debaters import Speakers
from tests.unit.bars import HOUR_MS, bar

BTC, ETH = "BTC/USDT", "ETH/USDT"
CONFIG = DebateConfig()


def batch(index: int = 1) -> BarBatch:
    return BarBatch(index * HOUR_MS, HOUR_MS, (bar(index, symbol=BTC), bar(index, symbol=ETH)))


@dataclass
class Mind:
    """A specialist: BUY on BTC, `other` on ETH; keeps what it was asked."""

    name: str
    confidence: float = 0.75
    action: Action = Action.BUY
    other: Action = Action.BUY
    down: bool = False
    asked: list[tuple[int, Mapping[str, int]]] = field(default_factory=list)
    ahead: int = 0

    def _answer(self, given: BarBatch) -> tuple[tuple[Ballot, ...], tuple[Snapshot, ...]]:
        sides = {BTC: self.action, ETH: self.other}
        votes = [Vote(self.name, c.symbol, given.ts_ms, sides[c.symbol], self.confidence, "") for c in given.candles]
        return tuple(votes), (Snapshot(f"mind:{self.name}", b""),)

    async def ask(self, given: BarBatch, previous_ms: Mapping[str, int], _: float) -> Any:
        self.asked.append((given.ts_ms, dict(previous_ms)))
        if self.down:
            raise ActorUnavailable("gone")
        return self._answer(given)

    async def ask_ahead(self, given: Sequence[BarBatch], previous_ms: Mapping[str, int], _: float) -> Any:
        self.ahead += 1
        return [self._answer(each) for each in given]


def minds() -> list[Mind]:
    """0.75 BUY against 0.25 SELL on BTC: a score of 0.5; both BUY ETH: a score of 1."""
    return [Mind("a"), Mind("b", 0.25, Action.SELL)]


def council(among: list[Mind], debaters: Debaters | None = None, checkpoints: Checkpoints | None = None) -> Council:
    return Council({mind.name: mind for mind in among}, CONFIG, 1.0, debaters, checkpoints)  # type: ignore[misc]


def briefing(index: int = 1, stake: int = 100, **more: Any) -> Briefing:
    previous = {symbol: (index - 1) * HOUR_MS for symbol in (BTC, ETH)}
    return Briefing(previous, stakes={BTC: Decimal(stake), ETH: Decimal(stake)}, **more)


def verdict(said: Deliberation, symbol: str) -> Verdict:
    return next(v for v in said.verdicts if v.symbol == symbol)


async def test_deliberate_when_there_are_no_models_then_nothing_is_debated() -> None:
    said = await council(minds()).deliberate(batch(), briefing(stake=10**6))
    assert said.debates == {}
    assert [(v.symbol, v.strength, v.action) for v in said.verdicts] == [(BTC, 0.5, "hold"), (ETH, 1.0, "buy")]


async def test_deliberate_when_one_score_lies_in_the_grey_band_then_that_symbol_alone_is_debated() -> None:
    speakers = Speakers()
    said = await council(minds(), speakers).deliberate(batch(), briefing())
    plain = await council(minds()).deliberate(batch(), briefing())
    assert set(said.debates) == {BTC}
    assert (said.debates[BTC].triggers, said.debates[BTC].after) == (("grey_band",), 0.65)
    assert (verdict(said, BTC).action, verdict(said, BTC).strength) == (Action.BUY, 0.65)
    assert verdict(said, ETH) == verdict(plain, ETH)
    assert (said.ballots, said.snapshots) == (plain.ballots, plain.snapshots)
    told = speakers.briefs[0]
    assert (told.decision_id, told.price, told.stake_quote) == (f"{BTC}@{HOUR_MS}", Decimal("100.0"), Decimal(100))
    assert told.ballots == tuple(b for b in plain.ballots if b.symbol == BTC)


async def test_deliberate_when_the_stake_is_large_then_every_symbol_that_leans_is_debated() -> None:
    said = await council(minds(), Speakers()).deliberate(batch(), briefing(stake=5_000))
    assert {s: d.triggers for s, d in said.debates.items()} == {
        BTC: ("grey_band", "large_notional"), ETH: ("large_notional",),
    }  # fmt: skip


async def test_deliberate_when_too_few_minds_voted_then_no_model_is_paid_for_what_cannot_act() -> None:
    speakers = Speakers()
    among = [Mind("a"), Mind("b", down=True)]
    said = await council(among, speakers).deliberate(batch(), briefing(stake=10**6))
    assert (said.debates, speakers.asked) == ({}, [])
    assert any(isinstance(b, Abstain) for b in said.ballots)


async def test_deliberate_when_weights_and_alerts_are_told_then_the_debate_is_over_that_verdict() -> None:
    heard = (Vote("tradingview", BTC, HOUR_MS, Action.SELL, 0.5, ""),)
    speakers = Speakers()
    said = await council(minds(), speakers).deliberate(batch(), briefing(heard=heard, weights={"b": 0.0}, stake=5_000))
    assert dict(speakers.briefs[0].verdict.weights)["b"] == 0.0
    assert said.debates[BTC].before == pytest.approx((0.75 - 0.5) / 1.25)
    assert "tradingview" in {b.agent for b in speakers.briefs[0].ballots}


async def test_look_ahead_when_models_are_there_then_it_fetches_ballots_and_debates_nothing() -> None:
    speakers, among = Speakers(), minds()
    held = council(among, speakers)
    await held.look_ahead([batch(1), batch(2)], {})
    assert speakers.asked == []
    said = await held.deliberate(batch(1), briefing())
    assert (said.debates[BTC].after, [m.ahead for m in among], [m.asked for m in among]) == (0.65, [1, 1], [[], []])


async def test_deliberate_when_the_coordinator_died_in_a_debate_then_the_next_one_goes_on_with_it(
    tmp_path: Path,
) -> None:
    judging = asyncio.Event()

    async def hang(role: Role, _: Brief) -> None:
        if role is Role.JUDGE:
            judging.set()
            await asyncio.Event().wait()

    first, second = Checkpoints(tmp_path / "d.db"), Checkpoints(tmp_path / "d.db")
    killed = asyncio.ensure_future(council(minds(), Speakers(before=hang), first).deliberate(batch(), briefing()))
    await asyncio.wait_for(judging.wait(), 10)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    later = Speakers()
    again = council(minds(), later, second)
    said = await again.deliberate(batch(), briefing())
    once_more = await again.deliberate(batch(), briefing())
    undisturbed = await council(minds(), Speakers()).deliberate(batch(), briefing())
    assert later.asked == [(Role.JUDGE, 1)]
    assert said.verdicts == once_more.verdicts == undisturbed.verdicts
    assert said.debates[BTC].turns == undisturbed.debates[BTC].turns
    await first.close()
    await again.close()


async def test_deliberate_when_the_models_are_silent_then_the_decision_comes_at_the_deadline() -> None:
    async def hang(*_: Any) -> None:
        await asyncio.Event().wait()

    quick = DebateConfig(deadline_s=0.3)
    held = Council({m.name: m for m in minds()}, quick, 1.0, Speakers(before=hang))  # type: ignore[misc]
    async with asyncio.timeout(5):
        said = await held.deliberate(batch(), briefing())
    assert said.verdicts == (await council(minds()).deliberate(batch(), briefing())).verdicts
    assert {t.call.outcome for t in said.debates[BTC].turns} == {CallOutcome.LATE}
    assert said.debates[BTC].duration_ms < 450


async def test_explain_when_asked_then_what_was_said_is_debated_and_no_mind_is_asked_again() -> None:
    speakers, among = Speakers(), minds()
    held = council(among, speakers)
    await held.deliberate(batch(), briefing(stake=1))
    speakers.asked.clear()
    said = await held.explain(batch(), briefing(), ETH)
    assert said.debates[ETH].triggers == ("asked",)
    assert (said.debates[ETH].before, round(said.debates[ETH].after, 9)) == (1.0, 0.9)
    assert [v.symbol for v in said.verdicts] == [ETH]
    assert {b.symbol for b in said.ballots} == {ETH}
    assert [len(m.asked) for m in among] == [1, 1]
    assert len(speakers.asked) == 3
    assert (await held.explain(batch(), briefing(), BTC)).debates[BTC].triggers == ("asked", "grey_band")


async def test_explain_when_asked_between_bars_then_every_decision_is_as_if_nobody_had(tmp_path: Path) -> None:
    async def decided(asks: bool) -> list[Deliberation]:
        checkpoints = Checkpoints(tmp_path / f"{asks}.db")
        held, made = council(minds(), Speakers(), checkpoints), []
        for index in range(1, 5):
            made.append(await held.deliberate(batch(index), briefing(index)))
            if asks:
                await held.explain(batch(index), briefing(index + 1, 9_999), BTC)
                await held.explain(batch(max(1, index - 1)), briefing(index), ETH)
        await held.close()
        return made

    asked, silent = await decided(True), await decided(False)
    assert [(d.ballots, d.verdicts, d.snapshots) for d in asked] == [
        (d.ballots, d.verdicts, d.snapshots) for d in silent
    ]
    assert [d.debates[BTC].turns for d in asked] == [d.debates[BTC].turns for d in silent]


async def test_explain_when_its_debate_takes_long_then_no_bar_waits_for_it() -> None:
    release, speaking = asyncio.Event(), asyncio.Event()

    async def wait(_: Role, brief: Brief) -> None:
        if brief.symbol == ETH:
            speaking.set()
            await release.wait()

    held = council(minds(), Speakers(before=wait))
    await held.deliberate(batch(1), briefing(1))
    asking = asyncio.ensure_future(held.explain(batch(1), briefing(1), ETH))
    await asyncio.wait_for(speaking.wait(), 5)
    async with asyncio.timeout(2):
        assert (await held.deliberate(batch(2), briefing(2))).debates[BTC].judged == 0.9
    assert not asking.done()
    release.set()
    assert (await asking).debates[ETH].judged == 0.9


async def test_explain_when_the_bar_was_only_learned_then_the_minds_are_asked_about_it_as_the_last_one() -> None:
    among = minds()
    said = await council(among, Speakers()).explain(batch(7), briefing(1), BTC)
    assert [m.asked for m in among] == [[(7 * HOUR_MS, {BTC: 7 * HOUR_MS, ETH: 7 * HOUR_MS})]] * 2
    assert len(said.ballots) == 2


async def test_explain_when_there_are_no_models_then_rules_speak_and_cost_nothing() -> None:
    held = council(minds())
    await held.deliberate(batch(), briefing())
    said = await held.explain(batch(), briefing(), BTC)
    turns = said.debates[BTC].turns
    assert [t.role for t in turns] == list(Role)
    assert {(t.call.outcome, t.call.cost_usd) for t in turns} == {(CallOutcome.RULES, Decimal(0))}
