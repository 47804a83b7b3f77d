"""A decision's debate held once more with what the models said then; nobody is asked unless somebody is given.

A recorded turn counts where its question is the same to the byte: by the key under which the answer was cached, or,
where a turn has none, by the question as it renders from the recorded ballots. What has no recorded answer is an
abstention, and the notes say so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.floor import Debaters, Motion
from fks_actors.agents.settlement import DebateResult
from fks_actors.agents.turns import abstained, both_heard, checked, concluded, in_order
from fks_actors.backtest.motions import motion
from fks_actors.desk.ports import Briefing
from fks_actors.llm.cache import cache_key
from fks_actors.llm.prompts import render
from fks_actors.model.candles import BarBatch
from fks_actors.model.debates import Brief, CallOutcome, Debate, Role, Turn
from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Verdict

NOT_ASKED = "not in the record, the models were not asked"


@dataclass(slots=True)
class Redebated:
    """What became of a batch's verdicts; `notes` by symbol: turns that the record does not hold."""

    verdicts: tuple[Verdict, ...]
    debates: dict[str, Debate] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)


async def redebate(
    batch: BarBatch,
    result: DebateResult,
    briefing: Briefing,
    config: DebateConfig,
    recorded: Mapping[str, CycleRecord],
    ask: Debaters | None = None,
) -> Redebated:
    """Debate what models can change, with the turns of `recorded` (by symbol).

    Args:
        ask: who is asked what the record does not answer; None for nobody.
    """
    found = Redebated(result.verdicts)
    for candle in batch.candles:
        moved = motion(batch, candle, result, briefing, config)
        if not (moved.triggers and moved.quorum):
            continue
        held, notes = recorded.get(candle.symbol), found.notes.setdefault(candle.symbol, [])
        turns = await _turns(moved.brief, config, held, ask, notes)
        taken_ms = held.debate.duration_ms if held is not None and held.debate is not None else 0
        verdict, debate = _concluded(moved, turns, config, taken_ms)
        found.verdicts = tuple(verdict if v.symbol == candle.symbol else v for v in found.verdicts)
        found.debates[candle.symbol] = debate
    return found


def _concluded(moved: Motion, turns: Sequence[Turn], config: DebateConfig, taken_ms: int) -> tuple[Verdict, Debate]:
    return concluded(moved.brief.verdict, turns, moved.triggers, config, moved.quorum, taken_ms)


async def _turns(
    brief: Brief, config: DebateConfig, held: CycleRecord | None, ask: Debaters | None, notes: list[str]
) -> list[Turn]:
    """Bull and bear by rounds, then the judge where both were heard: the order of `agents.floor`."""
    said: list[Turn] = []
    for number in range(1, config.rounds + 1):
        before = in_order(said)
        for role in (Role.BULL, Role.BEAR):
            told = replace(brief, round=number, turns=before)
            said.append(await _turn(role, told, config, held, ask, notes))
    if both_heard(said):
        told = replace(brief, round=config.rounds, turns=in_order(said))
        said.append(await _turn(Role.JUDGE, told, config, held, ask, notes))
    return said


async def _turn(
    role: Role, brief: Brief, config: DebateConfig, held: CycleRecord | None, ask: Debaters | None, notes: list[str]
) -> Turn:
    known = _recorded(role, brief, held)
    if known is not None:
        return known
    if ask is None:
        notes.append(f"{role.value} {brief.round}: {NOT_ASKED}")
        return abstained(role, brief.round, CallOutcome.NO_PROVIDER, NOT_ASKED)
    notes.append(f"{role.value} {brief.round}: not in the record, the models were asked now")
    return checked(await ask.speak(role, brief, config.deadline_s), role, brief.round)


def _recorded(role: Role, brief: Brief, held: CycleRecord | None) -> Turn | None:
    """The turn of the record that answers this very question."""
    if held is None or held.debate is None:
        return None
    turn = next((t for t in held.debate.turns if (t.role, t.round) == (role, brief.round)), None)
    if turn is None:
        return None
    call = turn.call
    prompt = render(role, brief)
    if call.key and call.key == cache_key(call.provider, call.model, prompt):
        return turn
    if call.key and call.outcome is not CallOutcome.CACHED:  # the answer to a like question has that one's key
        return None
    return turn if prompt == render(role, _brief_of(brief, held, held.debate)) else None


def _brief_of(brief: Brief, held: CycleRecord, debate: Debate) -> Brief:
    """The brief as the record has it."""
    scores = tuple((name, score) for name, score in held.verdict.scores if name not in ("models", "final"))
    verdict = replace(held.verdict, scores=(*scores, ("final", debate.before)))
    places = [(turn.role, turn.round) for turn in brief.turns]
    turns = tuple(turn for turn in debate.turns if (turn.role, turn.round) in places)
    return replace(brief, ballots=held.ballots, verdict=verdict, price=held.price, turns=turns)
