"""Speakers without a model: the votes themselves, put into a turn. They cost nothing and never move a verdict."""

from fks_actors.llm import known, prompts
from fks_actors.llm.schemas import MAX_CITES
from fks_actors.llm.texts import clipped
from fks_actors.model.debates import Brief, CallOutcome, ModelCall, Role, Tier, Turn
from fks_actors.model.votes import Action, Vote

PROVIDER = "rules"
_MOST_VOTES, _MAX_TEXT = 3, 400
_SIDES = {Role.BULL: Action.BUY, Role.BEAR: Action.SELL}


def turn(role: Role, brief: Brief, call: ModelCall | None = None) -> Turn:
    """What one speaker says by the rules alone; `call` where the models were asked first and the rules were left.

    A side's score is its share of all weighed confidence (the parts of `agents.debate.consensus`); a judge repeats the
    arithmetic score to the bit.
    """
    call = call or ModelCall(role.value, "rules@1", Tier.ROUTINE, CallOutcome.RULES, PROVIDER)
    if role is Role.JUDGE:
        return Turn(role, brief.round, known.final(brief), "The arithmetic score stands.", (), call)
    side = _SIDES[role]
    votes = _strongest(brief, side)
    if not votes:
        return Turn(role, brief.round, 0.0, f"No mind votes to {side.value}.", (), call)
    share = prompts.weighed(brief, side) / sum(prompts.weighed(brief, action) for action in Action)
    text = "; ".join(_said(vote) for vote in votes)
    cites = tuple(dict.fromkeys(name for vote in votes for name, _ in known.facts(vote)))[:MAX_CITES]
    score = share if role is Role.BULL else 0.0 - share
    return Turn(role, brief.round, score, clipped(text, _MAX_TEXT), cites, call)


def _strongest(brief: Brief, side: Action) -> tuple[Vote, ...]:
    weights = dict(brief.verdict.weights)
    weighed = [
        (weights.get(vote.agent, 1.0) * vote.confidence, vote) for vote in known.votes(brief) if vote.action is side
    ]
    ranked = sorted((each for each in weighed if each[0] > 0.0), key=lambda each: (-each[0], each[1].agent))
    return tuple(vote for _, vote in ranked[:_MOST_VOTES])


def _said(vote: Vote) -> str:
    head = f"{known.label(vote.agent)} {vote.action.value} {known.figure(vote.confidence)}"
    said = known.said(vote)
    return f"{head}: {said}" if said else head
