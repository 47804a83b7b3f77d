"""A debate's arithmetic: when one is held, what counts as a turn, and what the turns make of a verdict. Pure.

Whatever a speaker answers, a turn comes of it: one that is out of bounds, or could not be written down, is an
abstention. Where the judge, or every turn of one side, brought no score, the arithmetic stands.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.verdict import shifted
from fks_actors.model.debates import CallOutcome, Debate, ModelCall, Role, Tier, Turn
from fks_actors.model.votes import Action, Verdict

GREY_BAND = "grey_band"
LARGE_NOTIONAL = "large_notional"
ASKED = "asked"

ANSWERS = frozenset({CallOutcome.ANSWERED, CallOutcome.REPAIRED, CallOutcome.CACHED, CallOutcome.RULES})
"""The outcomes of a call that brought an answer."""

_BOUNDS = {Role.BULL: (0.0, 1.0), Role.BEAR: (-1.0, 0.0), Role.JUDGE: (-1.0, 1.0)}
_TEXT_CHARS = 4_000
_DETAIL_CHARS = 200
_ENCODER = msgspec.json.Encoder(decimal_format="string")
_DECODER = msgspec.json.Decoder(Turn)


def triggers(verdict: Verdict, stake: Decimal, config: DebateConfig) -> tuple[str, ...]:
    """Why the verdict is worth a debate; empty where it is not, as where a target decided. `stake` in quote."""
    found: list[str] = []
    if verdict.target is not None:
        return ()
    if config.grey_low <= verdict.strength <= config.grey_high:
        found.append(GREY_BAND)
    if stake >= config.large_notional and verdict.leaning is not Action.HOLD:
        found.append(LARGE_NOTIONAL)
    return tuple(found)


def checked(given: object, role: Role, number: int) -> Turn:
    """The turn that `role` gives in a round, or an abstention where `given` is none that counts."""
    if not isinstance(given, Turn) or not isinstance(given.call, ModelCall):
        return abstained(role, number, CallOutcome.INVALID, f"a {type(given).__name__} is no turn")
    fault = _fault(given, role, number)
    if fault:
        call = replace(given.call, outcome=CallOutcome.INVALID, detail=fault)
        given = Turn(role, number, None, "", (), call)
    elif len(given.text) > _TEXT_CHARS:
        given = replace(given, text=given.text[:_TEXT_CHARS])
    if _is_durable(given):
        return given
    return abstained(role, number, CallOutcome.INVALID, "the turn cannot be written down")


def _fault(given: Turn, role: Role, number: int) -> str:
    if (given.role, given.round) != (role, number):
        return f"a turn of {given.role} in round {given.round} for {role} in round {number}"
    if given.score is None:
        return ""
    if given.call.outcome not in ANSWERS:
        return f"a score although the call ended as {given.call.outcome}"
    low, high = _BOUNDS[role]
    if not isinstance(given.score, float | int) or not low <= given.score <= high:
        return f"score {given.score} outside {low:g}..{high:g}"
    return ""


def _is_durable(turn: Turn) -> bool:
    try:
        return decoded(encoded(turn)) == turn
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError):
        return False


def abstained(role: Role, number: int, outcome: CallOutcome, detail: str, latency_ms: int = 0) -> Turn:
    """A turn without an answer, of a speaker that did not say why itself."""
    call = ModelCall(role.value, "", Tier.CRITICAL, outcome, latency_ms=latency_ms, detail=detail[:_DETAIL_CHARS])
    return Turn(role, number, None, "", (), call)


def encoded(turn: Turn) -> bytes:
    """The turn as JSON."""
    return _ENCODER.encode(turn)


def decoded(payload: bytes) -> Turn:
    """The turn that `encoded` wrote; a msgspec.ValidationError where it is none."""
    return _DECODER.decode(payload)


def in_order(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The turns by round, the bull's first, the judge's last."""
    order = list(Role)
    return tuple(sorted(turns, key=lambda turn: (turn.role is Role.JUDGE, turn.round, order.index(turn.role))))


def both_heard(turns: Iterable[Turn]) -> bool:
    """Whether each side made its case at least once: a judge that heard one side alone would lean to it."""
    return {Role.BULL, Role.BEAR} <= {turn.role for turn in turns if turn.score is not None}


def concluded(
    verdict: Verdict,
    turns: Sequence[Turn],
    why: tuple[str, ...],
    config: DebateConfig,
    quorum: bool,
    duration_ms: int = 0,
) -> tuple[Verdict, Debate]:
    """The verdict after the debate, and its record. `quorum` as in `verdict.shifted`; `why` are the triggers."""
    ordered = in_order(turns)
    before = dict(verdict.scores)["final"]
    ruling = next((turn.score for turn in ordered if turn.role is Role.JUDGE), None)
    judged = ruling if both_heard(ordered) else None
    after = verdict if judged is None else shifted(verdict, judged, config, quorum)
    return after, Debate(why, ordered, before, judged, dict(after.scores)["final"], duration_ms)
