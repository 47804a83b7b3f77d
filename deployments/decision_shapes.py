"""What a decision and its debate look like over HTTP; `shapes` has the rest."""

from typing_extensions import TypedDict


class VoteShape(TypedDict):
    """One ballot. An abstention has `action` "abstain", no confidence, and its reason's code in `abstained`. `weight`
    is what the vote weighed, null for an abstention and where it was not recorded."""

    agent: str
    action: str
    confidence: float | None
    weight: float | None
    reason: str
    abstained: str
    facts: dict[str, float]


class VerdictShape(TypedDict):
    """What was made of the ballots. `scores` are the signed parts of the final score, -1 (sell) to 1 (buy), those that
    spoke: debate, asmbtr, sentiment, models (how far they moved it), and `final` itself."""

    action: str
    leaning: str
    net: float
    strength: float
    threshold: float
    scores: dict[str, float]


class CallShape(TypedDict):
    """A question to the models. `outcome`: answered, repaired, cached or rules brought an answer; after invalid, late,
    failed, no_quota, no_budget and no_provider `detail` tells why there is none. `prompt` is its name and version."""

    provider: str
    model: str
    prompt: str
    tier: str
    outcome: str
    requests: int
    tokens_in: int
    tokens_out: int
    cost_usd: str
    latency_ms: int
    detail: str


class TurnShape(TypedDict):
    """One speaker (bull, bear or judge) in one round; `score` is null where it abstained. `text` was written by a
    model: show it as text. `cites` name the facts that it rests on."""

    role: str
    round: int
    score: float | None
    text: str
    cites: list[str]
    call: CallShape


class DebateShape(TypedDict):
    """A debate over one verdict. `before` is the arithmetic score, `judged` the judge's, null without a judgement, and
    `after` what the bound let through. `triggers`: why it was held (grey_band, large_notional, asked)."""

    triggers: list[str]
    turns: list[TurnShape]
    before: float
    judged: float | None
    after: float
    cost_usd: str
    duration_ms: int


class DecideShape(TypedDict):
    """What the minds say of a symbol's last bar, and the debate over it."""

    symbol: str
    close_ms: int
    votes: list[VoteShape]
    verdict: VerdictShape
    debate: DebateShape | None


class RefusalShape(TypedDict):
    """A limit that spoke against an order."""

    code: str
    message: str
    value: str
    limit: str


class DecisionShape(TypedDict):
    """One symbol, one bar. `debate` is what models said of it, null where they were not asked."""

    decision_id: str
    symbol: str
    ts_ms: int
    close_ms: int
    price: str
    votes: list[VoteShape]
    verdict: VerdictShape
    outcome: str
    client_order_id: str
    refusals: list[RefusalShape]
    flags: list[str]
    note: str
    debate: DebateShape | None
