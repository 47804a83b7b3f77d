"""Speakers: a model's text becomes a number with a sign that it said, or an abstention; the rules move nothing."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.verdict import shifted
from fks_actors.llm import rules
from fks_actors.llm.ports import Prompt
from fks_actors.llm.schemas import Answer, Invalid
from fks_actors.llm.speaker import MAX_TEXT, Check, Repair, speak
from fks_actors.model.debates import CallOutcome, ModelCall, Role, Tier, Turn
from fks_actors.model.votes import Action
from tests.unit.llm.briefs import BRIEF, FORECAST, LONG, MID, SHORT, absent, brief, vote
from tests.unit.llm.hostile_answers import PLAIN

CASE = {"cites": ["rsi", "change", "rsi"], "claims": ["The rsi is low.", "Two minds sell."], "strength": 0.6}
BEFORE = 0.2175


class Model:
    """A ladder of one rung: it says each text in turn, is asked once more where the check refuses, keeps the bill."""

    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)
        self.prompts: list[Prompt] = []

    async def __call__(self, prompt: Prompt, check: Check, repair: Repair) -> tuple[Answer | None, ModelCall]:
        text = self._said(prompt)
        found = check(text)
        outcome = CallOutcome.ANSWERED
        if isinstance(found, Invalid) and self._texts:
            found = check(self._said(repair(text, found)))
            outcome = CallOutcome.REPAIRED
        if isinstance(found, Invalid):
            return None, self._bill(prompt, CallOutcome.INVALID, found.code)
        return found, self._bill(prompt, outcome)

    def _said(self, prompt: Prompt) -> str:
        self.prompts.append(prompt)
        return self._texts.pop(0)

    def _bill(self, prompt: Prompt, outcome: CallOutcome, detail: str = "") -> ModelCall:
        return ModelCall(
            prompt.agent, prompt.name, prompt.tier, outcome, "test", "m", requests=len(self.prompts), detail=detail
        )


async def said(role: Role, answer: dict[str, Any] | str) -> Turn:
    return await speak(role, BRIEF, Model(answer if isinstance(answer, str) else json.dumps(answer)))


async def test_speak_when_a_bull_answers_then_its_strength_speaks_for_buying() -> None:
    turn = await said(Role.BULL, CASE)
    assert (turn.role, turn.round, turn.score) == (Role.BULL, 2, 0.6)
    assert turn.text == "The rsi is low. Two minds sell."
    assert turn.cites == ("rsi", "change")
    assert (turn.call.agent, turn.call.prompt, turn.call.outcome) == ("bull", "bull@1", CallOutcome.ANSWERED)


async def test_speak_when_a_bear_answers_then_its_strength_speaks_for_selling() -> None:
    assert (await said(Role.BEAR, CASE)).score == -0.6
    assert str((await said(Role.BEAR, {**CASE, "strength": 0})).score) == "0.0"


@pytest.mark.parametrize(
    ("score", "confidence", "turned"),
    [(0.8, 1.0, 0.8), (-1.0, 1.0, -1.0), (0.8, 0.0, BEFORE), (-1.0, 0.0, BEFORE), (0.5, 0.5, (0.5 + BEFORE) / 2)],
)
async def test_speak_when_a_judge_answers_then_it_moves_the_score_as_far_as_it_is_sure(
    score: float, confidence: float, turned: float
) -> None:
    turn = await said(Role.JUDGE, {**PLAIN, "score": score, "confidence": confidence})
    assert turn.score == pytest.approx(turned, abs=0.0 if confidence in (0.0, 1.0) else 1e-12)


@given(st.floats(-1, 1), st.floats(0, 1))
async def test_speak_when_a_judge_says_anything_then_no_score_leaves_what_was_said(
    score: float, confidence: float
) -> None:
    turn = await said(Role.JUDGE, {**PLAIN, "score": score, "confidence": confidence})
    assert turn.score is not None
    assert min(score, BEFORE) <= turn.score <= max(score, BEFORE)


async def test_speak_when_the_first_answer_is_bad_then_it_is_asked_once_more_and_told_why() -> None:
    model = Model("I would buy.", json.dumps(CASE))
    turn = await speak(Role.BULL, BRIEF, model)
    assert (turn.score, turn.call.outcome, turn.call.requests) == (0.6, CallOutcome.REPAIRED, 2)
    first, second = model.prompts
    assert second.user.startswith(first.user)
    assert 'Your answer "I would buy." was refused: no_json, "no JSON object".' in second.user


async def test_speak_when_a_model_names_what_it_was_not_told_then_it_abstains() -> None:
    invented = {**CASE, "claims": ["The halving is near."]}
    turn = await speak(Role.BULL, BRIEF, Model(json.dumps(invented), json.dumps(invented)))
    assert (turn.score, turn.text, turn.cites) == (None, "", ())
    assert (turn.call.outcome, turn.call.detail) == (CallOutcome.INVALID, "unknown_event")


@pytest.mark.parametrize(("role", "answer"), [(Role.BULL, PLAIN), (Role.BEAR, PLAIN), (Role.JUDGE, CASE)])
async def test_speak_when_the_answer_is_of_another_role_then_it_abstains(role: Role, answer: dict[str, Any]) -> None:
    assert (await said(role, answer)).score is None


async def test_speak_when_the_answer_is_long_and_dressed_up_then_its_text_is_bounded_and_printable() -> None:
    claim = (
        "The \u202ersi is\u200b low and the fast average is \u201cunder\u201d the slow one, "
        "which speaks for a further fall here and now."
    )
    turn = await said(Role.BEAR, {**CASE, "claims": [claim] * 4})
    assert len(turn.text) <= MAX_TEXT
    assert turn.text.isprintable()
    assert turn.text.isascii()
    assert turn.text.endswith("...")
    assert turn.text.startswith('The rsi is low and the fast average is "under" the slow one')


@pytest.mark.parametrize("outcome", [each for each in CallOutcome if each is not CallOutcome.RULES])
async def test_speak_when_no_answer_came_then_it_abstains_and_keeps_the_bill(outcome: CallOutcome) -> None:
    call = ModelCall("bull", "bull@1", Tier.ROUTINE, outcome, cost_usd=Decimal("0.01"), detail="why")

    async def ask(prompt: Prompt, check: Check, repair: Repair) -> tuple[Answer | None, ModelCall]:
        return None, call

    assert await speak(Role.BULL, BRIEF, ask) == Turn(Role.BULL, 2, None, "", (), call)


@pytest.mark.parametrize("role", Role)
async def test_speak_when_the_ladder_ends_at_the_rules_then_they_speak_on_its_bill(role: Role) -> None:
    call = ModelCall(role.value, "rules@1", Tier.ROUTINE, CallOutcome.RULES, "rules", requests=3)

    async def ask(prompt: Prompt, check: Check, repair: Repair) -> tuple[Answer | None, ModelCall]:
        return None, call

    assert await speak(role, BRIEF, ask) == rules.turn(role, BRIEF, call)


async def test_speak_when_the_threshold_of_the_tier_is_given_then_the_prompt_has_it() -> None:
    model = Model(json.dumps(CASE))
    await speak(Role.BULL, BRIEF, model, critical_from=0.0)
    assert model.prompts[0].tier is Tier.CRITICAL


def test_rules_when_minds_buy_then_the_bull_tells_the_strongest_first_with_their_share() -> None:
    turn = rules.turn(Role.BULL, BRIEF)
    total = 0.62 + 0.51 + 0.4 + 0.12 + 0.3 + 0.35
    assert turn.score == pytest.approx((0.62 + 0.12 + 0.35) / total)
    assert turn.text.startswith("short_term buy 0.62: RSI 28.4 under 30")
    assert turn.text.index("short_term") < turn.text.index("forecast") < turn.text.index("asmbtr")
    assert turn.cites == ("rsi", "macd_histogram", "macd_histogram_before", "volume_ratio")
    assert turn.call == ModelCall("bull", "rules@1", Tier.ROUTINE, CallOutcome.RULES, "rules")


def test_rules_when_minds_sell_then_the_bear_repeats_no_headline() -> None:
    turn = rules.turn(Role.BEAR, BRIEF)
    assert turn.score == pytest.approx(-(0.51 + 0.3) / 2.3)
    assert "mid_term sell 0.51: EMA" in turn.text
    assert "; sentiment sell 0.3" in turn.text
    assert "IGNORE" not in turn.text


def test_rules_when_weights_differ_then_they_rank_and_share() -> None:
    told = replace(BRIEF, verdict=replace(BRIEF.verdict, weights=(("forecast", 5.0), ("short_term", 0.0))))
    turn = rules.turn(Role.BULL, told)
    assert turn.text.startswith("forecast buy")
    assert "short_term" not in turn.text
    assert turn.score == pytest.approx((5 * 0.35 + 0.12) / (5 * 0.35 + 0.12 + 0.51 + 0.4 + 0.3))


@pytest.mark.parametrize("role", [Role.BULL, Role.BEAR])
def test_rules_when_nobody_is_of_that_side_then_there_is_no_case(role: Role) -> None:
    for told in (
        brief(LONG),
        brief(absent("short_term")),
        brief(vote("a", Action.BUY, 0.0), vote("b", Action.SELL, 0.0)),
    ):
        turn = rules.turn(role, told)
        assert (str(turn.score), turn.cites) == ("0.0", ())


@given(st.floats(-1, 1), st.lists(st.sampled_from([SHORT, MID, LONG, FORECAST]), unique=True))
def test_rules_when_they_judge_then_no_verdict_moves_by_a_bit(final: float, ballots: list[Any]) -> None:
    action = Action.BUY if final >= 0.6 else Action.SELL if final <= -0.6 else Action.HOLD
    leaning = Action.BUY if final > 0 else Action.SELL if final < 0 else Action.HOLD
    verdict = replace(BRIEF.verdict, scores=(("final", final),), strength=abs(final), action=action, leaning=leaning)
    judged = rules.turn(Role.JUDGE, replace(brief(*ballots), verdict=verdict)).score
    assert judged == final
    after = shifted(verdict, judged, DebateConfig(), quorum=True)
    assert (after.action, after.leaning, after.strength) == (action, leaning, abs(final))


def test_rules_when_the_verdict_has_no_scores_then_the_leaning_and_strength_are_its_score() -> None:
    told = replace(BRIEF, verdict=replace(BRIEF.verdict, scores=(), leaning=Action.SELL, strength=0.3))
    assert rules.turn(Role.JUDGE, told).score == -0.3
