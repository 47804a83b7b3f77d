"""A debate that language models held over one decision: who said what, what it cost, and how far it moved the verdict.

Scores are signed, -1 (sell) to 1 (buy). What a model said reaches nobody but readers: decisions read the numbers.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from fks_actors.model.votes import Ballot, Verdict


class Role(StrEnum):
    """Who speaks."""

    BULL = "bull"
    BEAR = "bear"
    JUDGE = "judge"


class Tier(StrEnum):
    """How much an answer matters: CRITICAL questions may go to the dearest provider, ROUTINE ones begin lower."""

    CRITICAL = "critical"
    ROUTINE = "routine"


class CallOutcome(StrEnum):
    """How a question to the models ended. Only the first four brought an answer."""

    ANSWERED = "answered"
    REPAIRED = "repaired"
    CACHED = "cached"
    RULES = "rules"
    INVALID = "invalid"
    LATE = "late"
    FAILED = "failed"
    NO_QUOTA = "no_quota"
    NO_BUDGET = "no_budget"
    NO_PROVIDER = "no_provider"


class ModelCall(msgspec.Struct, frozen=True, gc=False):
    """One question to the models, whatever became of it; requests on every rung of the ladder are summed up.

    `prompt` = `<name>@<version>`; `key` is the response cache's, by which a replay finds the same answer; `detail`
    tells why there is none. Money in USD.
    """

    agent: str
    prompt: str
    tier: Tier
    outcome: CallOutcome
    provider: str = ""
    model: str = ""
    key: str = ""
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = Decimal(0)
    latency_ms: int = 0
    detail: str = ""


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One speaker in one round. `score` is None where no usable answer came: the speaker abstained.

    A bull's score is 0..1, a bear's -1..0: how strong its case is. `text` is bounded and printable; `cites` are the
    names of the facts that it rests on.
    """

    role: Role
    round: int
    score: float | None
    text: str
    cites: tuple[str, ...]
    call: ModelCall


class Debate(msgspec.Struct, frozen=True, gc=False):
    """What a debate did. `triggers`: why it was held (grey_band, large_notional, asked).

    `before` is the arithmetic score, `judged` the judge's (None: no judgement), `after` what the bound let through;
    `duration_ms` what the decision waited for it.
    """

    triggers: tuple[str, ...]
    turns: tuple[Turn, ...]
    before: float
    judged: float | None
    after: float
    duration_ms: int = 0


class Brief(msgspec.Struct, frozen=True, gc=False):
    """What a speaker is told: everything that it may name stands here. `stake_quote` is what the order could move."""

    decision_id: str
    symbol: str
    ts_ms: int
    interval_ms: int
    price: Decimal
    stake_quote: Decimal
    ballots: tuple[Ballot, ...]
    verdict: Verdict
    round: int = 1
    turns: tuple[Turn, ...] = ()
