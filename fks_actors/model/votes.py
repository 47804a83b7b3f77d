"""What a mind answers, and what the debate makes of the answers. Routing reads enums and numbers, never the prose."""

from enum import StrEnum

import msgspec


class Action(StrEnum):
    """What a vote or a verdict wants."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


class AbstainReason(StrEnum):
    """Why a mind has no vote."""

    WARMING_UP = "warming_up"
    NO_DATA = "no_data"
    BAD_DATA = "bad_data"
    LATE = "late"
    FAILED = "failed"


class Vote(msgspec.Struct, frozen=True, gc=False):
    """One mind's answer for one symbol at one bar. `confidence` 0..1; `facts` are the numbers that `reason` names.

    `target` is the share of equity, 0..1, that the mind wants in the symbol; None where it names none.
    """

    agent: str
    symbol: str
    ts_ms: int
    action: Action
    confidence: float
    reason: str
    facts: tuple[tuple[str, float], ...] = ()
    target: float | None = None


class Abstain(msgspec.Struct, frozen=True, gc=False):
    """A mind that cannot answer; counted, never taken for HOLD."""

    agent: str
    symbol: str
    ts_ms: int
    reason: AbstainReason
    detail: str = ""


Ballot = Vote | Abstain


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What is made of the ballots (`agents.verdict` has the formula).

    `net` = sum(w * conf, BUY) - sum(w * conf, SELL) over the debate's voices. `strength` 0..1 is the size of the final
    score; `leaning` what that points at; `action` is HOLD when `strength` is under `threshold`. `scores` are the signed
    parts of the final score (debate, asmbtr, sentiment, models) and it itself (final); `weights` what each mind's vote
    weighed, by agent. `target` is the share of equity, 0..1, that a mind which decides alone wants in the symbol.
    """

    symbol: str
    ts_ms: int
    action: Action
    leaning: Action
    net: float
    strength: float
    threshold: float
    scores: tuple[tuple[str, float], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    target: float | None = None
