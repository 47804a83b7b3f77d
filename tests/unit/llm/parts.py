"""A small question with a schema, its check, and providers, books and counters by hand."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fks_actors.errors import JournalUnavailable
from fks_actors.llm.books import Requested
from fks_actors.llm.budget import Ledger, Reservation
from fks_actors.llm.cache import Remembered
from fks_actors.llm.config import LlmConfig, Place, ProviderConfig
from fks_actors.llm.ladder import Ladder
from fks_actors.llm.ports import Completion, Prompt
from fks_actors.llm.quota import Usage
from fks_actors.llm.rung import Accounts, Rung
from fks_actors.model.debates import Tier

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 10}},
    "required": ["score"],
    "additionalProperties": False,
}
GOOD, BAD = '{"score": 7}', '{"score": 70}'


def prompt(user: str = "How strong is the case?", tier: Tier = Tier.CRITICAL, agent: str = "bull") -> Prompt:
    return Prompt("case@1", agent, tier, "You answer in JSON.", user, SCHEMA, 100)


@dataclass(frozen=True)
class Invalid:
    code: str
    detail: str


def check(text: str) -> tuple[int | None, Invalid | None]:
    try:
        score = json.loads(text)["score"]
    except (ValueError, KeyError, TypeError) as error:
        return None, Invalid("not_json", str(error))
    if type(score) is not int or not 0 <= score <= 10:
        return None, Invalid("out_of_range", repr(score))
    return score, None


def repair(text: str, invalid: Invalid) -> Prompt:
    return prompt(f"{text[:200]} was wrong: {invalid.code}. Again.")


Say = str | Completion | Exception | Callable[[Prompt], Awaitable[Completion]]


async def silence(_: Prompt) -> Completion:
    await asyncio.Event().wait()
    raise AssertionError


class Model:
    """Says what it is told to, in turn, the last of it for ever."""

    def __init__(self, *says: Say) -> None:
        self.says = list(says)
        self.asked: list[Prompt] = []
        self.was_asked = asyncio.Event()
        self.cancelled = 0
        self.closed = False

    async def complete(self, asked: Prompt) -> Completion:
        say = self.says[min(len(self.asked), len(self.says) - 1)]
        self.asked.append(asked)
        self.was_asked.set()
        try:
            if isinstance(say, Exception):
                raise say
            if isinstance(say, str):
                return Completion(say, 50, 10)
            return say if isinstance(say, Completion) else await say(asked)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def close(self) -> None:
        self.closed = True


@dataclass
class MemoryBooks:
    """Keeps everything in memory; `broken` refuses every write."""

    broken: bool = False
    begun: list[tuple[Reservation | None, str, Usage]] = field(default_factory=list)
    settled: list[Reservation] = field(default_factory=list)
    answers: dict[str, Remembered] = field(default_factory=dict)
    recalled: int = 0

    async def begin(self, reservation: Reservation | None, provider: str, usage: Usage) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise JournalUnavailable("the disk is full")
        self.begun.append((reservation, provider, usage))

    def settle(self, reservation: Reservation) -> None:
        self.settled.append(reservation)

    def remember(self, answer: Remembered, ts_ms: int) -> None:
        self.answers[answer.key] = answer

    async def recall(self, key: str) -> Remembered | None:
        self.recalled += 1
        return self.answers.get(key)


@dataclass
class Counts:
    """Remembers what it was told."""

    requests: list[Requested] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def requested(self, request: Requested) -> None:
        self.requests.append(request)

    def hit(self, provider: str) -> None:
        self.hits.append(provider)

    def invalid(self, code: str) -> None:
        self.codes.append(code)


def local(place: Place = Place.LOCAL, **more: Any) -> ProviderConfig:
    return ProviderConfig(base_url="http://127.0.0.1:1/v1", model="m", place=place, **more)


def paid(usd: str = "10", **more: Any) -> ProviderConfig:
    price = Decimal(usd)
    return local(Place.CLOUD, usd_per_million_in=price, usd_per_million_out=price, **more)


@dataclass
class Scene:
    """A ladder over hand-made providers."""

    ladder: Ladder
    ledger: Ledger
    books: MemoryBooks
    counts: Counts
    models: Mapping[str, Model]
    now_ms: list[int]

    async def ask(self, asked: Prompt | None = None, deadline_s: float | None = None) -> Any:
        return await self.ladder.ask(asked or prompt(), check, repair, deadline_s)


def scene(
    providers: Mapping[str, tuple[ProviderConfig, Model]],
    order: Sequence[str] | None = None,
    books: MemoryBooks | None = None,
    **config: Any,
) -> Scene:
    order = tuple(providers if order is None else order)
    told = LlmConfig(
        providers={name: p for name, (p, _) in providers.items()},
        ladders={tier: order for tier in Tier},
        **config,
    )
    held, counts, now_ms, ids = books or MemoryBooks(), Counts(), [1_700_000_000_000], itertools.count()
    ledger = Ledger(told.usd_per_agent_per_day)
    accounts = Accounts(ledger, held, counts, lambda: now_ms[0], lambda: str(next(ids)))
    rungs = {name: Rung(name, p, model, accounts) for name, (p, model) in providers.items()}
    models = {name: model for name, (_, model) in providers.items()}
    return Scene(Ladder(told, rungs, accounts), ledger, held, counts, models, now_ms)
