"""Speakers by hand, and a motion for them to debate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.floor import Motion
from fks_actors.agents.verdict import weigh
from fks_actors.model.debates import Brief, CallOutcome, ModelCall, Role, Tier, Turn
from fks_actors.model.votes import Action, Ballot, Vote

HOUR_MS = 3_600_000
SYMBOL = "BTC/USDT"
SCORES = {Role.BULL: 0.8, Role.BEAR: -0.3, Role.JUDGE: 0.9}


def turn(role: Role, number: int = 1, score: float | None = None, text: str = "", **call: Any) -> Turn:
    """What a speaker says."""
    given = {"outcome": CallOutcome.ANSWERED, "provider": "vllm", "model": "small", "cost_usd": Decimal("0.0012")}
    made = ModelCall(role, f"{role}@1", Tier.CRITICAL, **{**given, **call})
    said = SCORES[role] if score is None else score
    return Turn(role, number, said, text or f"{role} in round {number}", ("short_term.rsi",), made)


@dataclass
class Speakers:
    """Answers with SCORES, or what `scores` says; keeps what it was asked. `before` is awaited ahead of an answer."""

    scores: dict[Role, float] = field(default_factory=dict)
    before: Callable[[Role, Brief], Any] | None = None
    asked: list[tuple[Role, int]] = field(default_factory=list)
    briefs: list[Brief] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)

    async def speak(self, role: Role, brief: Brief, timeout_s: float) -> Turn:
        """One turn."""
        self.asked.append((role, brief.round))
        self.briefs.append(brief)
        self.limits.append(timeout_s)
        if self.before is not None:
            told = await self.before(role, brief)
            if told is not None:
                return told  # type: ignore[no-any-return]
        return turn(role, brief.round, self.scores.get(role))


TURNS = tuple(turn(role) for role in Role)
"""One round and its judgement."""


def motion(
    strength: float = 0.5,
    symbol: str = SYMBOL,
    config: DebateConfig | None = None,
    triggers: tuple[str, ...] = ("asked",),
) -> Motion:
    """A motion on two votes whose arithmetic score is `strength` (0..1), BUY."""
    ballots: tuple[Ballot, ...] = (
        Vote("short_term", symbol, HOUR_MS, Action.BUY, (1 + strength) / 2, "up", (("rsi", 61.5),)),
        Vote("mid_term", symbol, HOUR_MS, Action.SELL, (1 - strength) / 2, "down"),
    )
    verdict = weigh(ballots, symbol, HOUR_MS, config or DebateConfig())
    brief = Brief(f"{symbol}@{HOUR_MS}", symbol, HOUR_MS, HOUR_MS, Decimal("65000.5"), Decimal(500), ballots, verdict)
    return Motion(brief, triggers, quorum=True)
