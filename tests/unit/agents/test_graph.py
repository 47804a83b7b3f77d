"""The live debate: all minds at once, one ballot each, a verdict a symbol, and no failure that spreads."""

import asyncio

import pytest

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.graph import Ask, LiveDebate
from fks_actors.agents.settlement import DebateResult, settle
from fks_actors.agents.verdict import shifted, weigh
from fks_actors.errors import ConfigError
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote
from tests.unit.bars import HOUR_MS, bar

CONFIG = DebateConfig()
BATCH = BarBatch(HOUR_MS, HOUR_MS, (bar(1, symbol="BTC/USDT"), bar(1, symbol="ETH/USDT")))


def says(agent: str, action: Action, confidence: float = 0.8) -> Ask:
    async def ask(batch: BarBatch) -> tuple[Ballot, ...]:
        return tuple(Vote(agent, c.symbol, batch.ts_ms, action, confidence, "") for c in batch.candles)

    return ask


async def test_run_when_all_answer_then_ballots_are_in_order_and_verdicts_are_weighed() -> None:
    minds = {"c": says("c", Action.BUY), "a": says("a", Action.BUY), "b": says("b", Action.HOLD, 0.1)}
    result = await LiveDebate(minds, CONFIG).run(BATCH)
    order = [(ballot.symbol, ballot.agent) for ballot in result.ballots]
    assert order == [(symbol, agent) for symbol in ("BTC/USDT", "ETH/USDT") for agent in ("c", "a", "b")]
    assert result.verdicts == tuple(
        weigh([b for b in result.ballots if b.symbol == c.symbol], c.symbol, HOUR_MS, CONFIG) for c in BATCH.candles
    )
    assert result.verdicts[0].action is Action.BUY


async def test_run_when_a_mind_raises_then_it_abstains_for_each_symbol_and_the_rest_decide() -> None:
    async def broken(batch: BarBatch) -> tuple[Ballot, ...]:
        raise ValueError("no model")

    minds = {"a": says("a", Action.SELL), "bad": broken, "c": says("c", Action.SELL)}
    result = await LiveDebate(minds, CONFIG).run(BATCH)
    failed = [ballot for ballot in result.ballots if ballot.agent == "bad"]
    assert failed == [
        Abstain("bad", c.symbol, HOUR_MS, AbstainReason.FAILED, "ValueError: no model") for c in BATCH.candles
    ]
    assert [verdict.action for verdict in result.verdicts] == [Action.SELL, Action.SELL]


@pytest.mark.parametrize(
    "amiss",
    [
        (),
        (Vote("other", "BTC/USDT", HOUR_MS, Action.BUY, 0.5, ""),),
        (Vote("a", "BTC/USDT", 0, Action.BUY, 0.5, ""),),
        (Vote("a", "BTC/USDT", HOUR_MS, Action.BUY, float("nan"), ""),),
        (Vote("a", "BTC/USDT", HOUR_MS, Action.BUY, 1.5, ""),),
    ],
)
async def test_run_when_a_mind_answers_amiss_then_it_abstains_as_failed(amiss: tuple[Ballot, ...]) -> None:
    async def ask(batch: BarBatch) -> tuple[Ballot, ...]:
        return amiss

    result = await LiveDebate({"a": ask}, CONFIG).run(BATCH)
    assert [ballot.symbol for ballot in result.ballots] == ["BTC/USDT", "ETH/USDT"]
    assert all(isinstance(b, Abstain) and b.reason is AbstainReason.FAILED for b in result.ballots)


async def test_run_when_a_mind_abstains_itself_then_its_word_is_kept() -> None:
    late = Abstain("a", "BTC/USDT", HOUR_MS, AbstainReason.LATE, "3 s")

    async def ask(batch: BarBatch) -> tuple[Ballot, ...]:
        return (late,)

    result = await LiveDebate({"a": ask}, CONFIG).run(BATCH)
    assert result.ballots[0] == late


async def test_run_when_each_mind_waits_for_the_others_then_they_were_asked_at_once() -> None:
    barrier = asyncio.Barrier(3)

    def waiting(agent: str) -> Ask:
        async def ask(batch: BarBatch) -> tuple[Ballot, ...]:
            async with asyncio.timeout(10):
                await barrier.wait()
            return await says(agent, Action.BUY)(batch)

        return ask

    result = await LiveDebate({agent: waiting(agent) for agent in "abc"}, CONFIG).run(BATCH)
    assert all(isinstance(ballot, Vote) for ballot in result.ballots)


async def test_run_when_batches_overlap_then_each_gets_its_own_answer() -> None:
    debate = LiveDebate({"a": says("a", Action.BUY), "b": says("b", Action.BUY)}, CONFIG)
    batches = [BarBatch(at * HOUR_MS, HOUR_MS, (bar(at),)) for at in range(5)]
    results = await asyncio.gather(*(debate.run(batch) for batch in batches))
    assert [result.verdicts[0].ts_ms for result in results] == [batch.ts_ms for batch in batches]


async def test_run_when_the_batch_is_empty_then_so_is_the_result() -> None:
    result = await LiveDebate({"a": says("a", Action.BUY)}, CONFIG).run(BarBatch(0, HOUR_MS, ()))
    assert (result.ballots, result.verdicts) == ((), ())


def test_build_when_there_is_no_mind_then_it_is_a_config_error() -> None:
    with pytest.raises(ConfigError):
        LiveDebate({}, CONFIG)


BTC = "BTC/USDT"
ONE = BarBatch(HOUR_MS, HOUR_MS, (bar(1, symbol=BTC),))


def targets(target: float | None, *others: Vote, heard: tuple[Vote, ...] = ()) -> DebateResult:
    """What is made of a strategy that wants `target`, with `others` on the desk."""
    action, confidence = (Action.BUY, target) if target else (Action.SELL, 1.0)
    mine = Vote("mine", BTC, HOUR_MS, action, confidence, "", (), target)
    answers = {vote.agent: (vote,) for vote in (mine, *others)}
    return settle(ONE, answers, CONFIG, heard, {"mine": 0.3})


@pytest.mark.parametrize(
    ("target", "action", "score"), [(1.0, Action.BUY, 1.0), (0.05, Action.BUY, 0.05), (0.0, Action.SELL, -1.0)]
)
def test_settle_when_one_mind_alone_names_a_target_then_it_decides_whatever_is_heard(
    target: float, action: Action, score: float
) -> None:
    against = Vote("alert", BTC, HOUR_MS, Action.HOLD, 1.0, "")
    for result in (targets(target), targets(target, heard=(against,))):
        (verdict,) = result.verdicts
        assert (verdict.action, verdict.leaning, verdict.target) == (action, action, target)
        assert (verdict.net, verdict.strength, dict(verdict.scores)) == (score, abs(score), {"final": score})
    assert against in result.ballots
    assert shifted(verdict, -score, CONFIG, True) == verdict


def test_settle_when_another_mind_is_there_then_a_target_is_a_vote() -> None:
    other = Vote("short_term", BTC, HOUR_MS, Action.BUY, 0.8, "")
    for result in (targets(0.7, other), targets(None)):
        (verdict,) = result.verdicts
        assert verdict.target is None
        assert verdict == weigh(result.ballots, BTC, HOUR_MS, CONFIG, {"mine": 0.3})


def test_settle_when_a_target_is_out_of_bounds_then_the_mind_failed() -> None:
    for amiss in (1.5, float("nan")):
        vote = Vote("mine", BTC, HOUR_MS, Action.BUY, 1.0, "", (), amiss)
        (ballot,) = settle(ONE, {"mine": (vote,)}, CONFIG).ballots
        assert ballot == Abstain("mine", BTC, HOUR_MS, AbstainReason.FAILED, f"target {amiss} outside 0..1")
