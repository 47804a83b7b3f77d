"""Decisions to the JSON of the API: every vote and its weight, the parts of the score, what models said of it. Pure.

What a model wrote stays a string here; whoever shows it shows it as text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments import decision_shapes
from deployments.render import money, refusals
from fks_actors.model.debates import Debate, Turn
from fks_actors.model.orders import ZERO
from fks_actors.model.records import CycleRecord
from fks_actors.model.votes import Ballot, Verdict, Vote


def decision(record: CycleRecord) -> decision_shapes.DecisionShape:
    """One cycle with every ballot."""
    return {
        "decision_id": record.decision_id,
        "symbol": record.symbol,
        "ts_ms": record.ts_ms,
        "close_ms": record.close_ms,
        "price": money(record.price),
        "votes": votes(record.ballots, record.verdict),
        "verdict": verdict(record.verdict),
        "outcome": record.outcome,
        "client_order_id": record.client_order_id,
        "refusals": refusals(record.refusals),
        "flags": list(record.flags),
        "note": record.note,
        "debate": None if record.debate is None else debate(record.debate),
    }


def votes(ballots: Sequence[Ballot], found: Verdict) -> list[decision_shapes.VoteShape]:
    """Every vote and abstention, with what it weighed in the verdict."""
    weights = dict(found.weights)
    return [_vote(ballot, weights) for ballot in ballots]


def _vote(ballot: Ballot, weights: Mapping[str, float]) -> decision_shapes.VoteShape:
    if isinstance(ballot, Vote):
        return {
            "agent": ballot.agent,
            "action": ballot.action,
            "confidence": ballot.confidence,
            "weight": weights.get(ballot.agent),
            "reason": ballot.reason,
            "abstained": "",
            "facts": dict(ballot.facts),
        }
    return {
        "agent": ballot.agent,
        "action": "abstain",
        "confidence": None,
        "weight": None,
        "reason": ballot.detail,
        "abstained": ballot.reason,
        "facts": {},
    }


def verdict(value: Verdict) -> decision_shapes.VerdictShape:
    """The debate's result."""
    return {
        "action": value.action,
        "leaning": value.leaning,
        "net": value.net,
        "strength": value.strength,
        "threshold": value.threshold,
        "scores": dict(value.scores),
    }


def debate(value: Debate) -> decision_shapes.DebateShape:
    """Everything that was said over a verdict, and what it cost."""
    return {
        "triggers": list(value.triggers),
        "turns": [_turn(each) for each in value.turns],
        "before": value.before,
        "judged": value.judged,
        "after": value.after,
        "cost_usd": money(sum((each.call.cost_usd for each in value.turns), ZERO)),
        "duration_ms": value.duration_ms,
    }


def _turn(value: Turn) -> decision_shapes.TurnShape:
    call = value.call
    return {
        "role": value.role,
        "round": value.round,
        "score": value.score,
        "text": value.text,
        "cites": list(value.cites),
        "call": {
            "provider": call.provider,
            "model": call.model,
            "prompt": call.prompt,
            "tier": call.tier,
            "outcome": call.outcome,
            "requests": call.requests,
            "tokens_in": call.tokens_in,
            "tokens_out": call.tokens_out,
            "cost_usd": money(call.cost_usd),
            "latency_ms": call.latency_ms,
            "detail": call.detail,
        },
    }


def decide(said: Mapping[str, Any]) -> decision_shapes.DecideShape:
    """What the desk answers when it is asked (`ports.Desk.decide`)."""
    held = said["debate"]
    return {
        "symbol": said["symbol"],
        "close_ms": said["close_ms"],
        "votes": votes(said["ballots"], said["verdict"]),
        "verdict": verdict(said["verdict"]),
        "debate": None if held is None else debate(held),
    }
