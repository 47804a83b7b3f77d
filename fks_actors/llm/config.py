"""Which models are asked, for what, and what they may cost. Frozen; unknown keys are refused."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from fks_actors.model.debates import Tier

Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**12)]
"""0 is no limit."""

RULES = "rules"
"""A ladder's last rung: where no model answered, the rules do."""

OPENAI_URL = "https://api.openai.com/v1"


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Place(StrEnum):
    """Where a model runs: bought by the token, on a GPU of one's own, or small and at hand."""

    CLOUD = "cloud"
    VLLM = "vllm"
    LOCAL = "local"


class ProviderConfig(_Config):
    """One model at one server.

    `kind` openai: any server that speaks OpenAI's chat completions at `base_url` (vLLM, llama.cpp, Ollama, OpenAI and
    others); gemini: Google's (extra `gemini`). `key_env` = the environment variable that holds the key; without it the
    file FKS_HOME/keys/<provider>.key counts. Prices in USD for a million tokens. Limits of 0 are none; a day begins at
    midnight in `day_zone`, or when the provider says so. `structured` = how the server is told the answer's schema:
    json_schema where it can enforce one, json_object or none for servers that refuse it. `reasoning` models take no
    temperature. `knowledge_until` = the last day that its training text reaches, YYYY-MM-DD, where the published table
    (`backtest.honesty`) does not know it or is wrong.
    """

    kind: Literal["openai", "gemini"] = "openai"
    base_url: str = ""
    model: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
    place: Place
    key_env: Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,99})?$")] = ""
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    reasoning: bool = False
    usd_per_million_in: Usd = Decimal(0)
    usd_per_million_out: Usd = Decimal(0)
    requests_per_minute: Count = 0
    tokens_per_minute: Count = 0
    requests_per_day: Count = 0
    day_zone: str = "UTC"
    max_concurrent: int = Field(default=4, ge=1, le=1_000)
    knowledge_until: date | None = None

    @field_validator("day_zone")
    @classmethod
    def _zone(cls, given: str) -> str:
        try:
            ZoneInfo(given)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"day_zone: {given!r} is no time zone; write UTC or America/Los_Angeles") from None
        return given

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.base_url:
            if self.place is not Place.CLOUD:
                raise ValueError("base_url: say where the server is, as http://127.0.0.1:8080/v1")
            return self
        try:
            parts = urlsplit(self.base_url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
            raise ValueError("base_url: a server's address reads https://host/v1 or http://127.0.0.1:8080/v1")
        if parts.username is not None or parts.password is not None:
            raise ValueError("base_url: a password does not stand in an address; put the key into key_env")
        if self.place is Place.CLOUD and parts.scheme != "https" and not _is_loopback(host):
            raise ValueError("base_url: a key goes to a cloud by https only")
        return self

    @property
    def url(self) -> str:
        """The server's address; empty for Google's own."""
        return self.base_url or (OPENAI_URL if self.kind == "openai" else "")

    @property
    def is_paid(self) -> bool:
        """Whether an answer costs money."""
        return bool(self.usd_per_million_in or self.usd_per_million_out)


_ORDER = {
    Tier.CRITICAL: (Place.CLOUD, Place.VLLM, Place.LOCAL),
    Tier.ROUTINE: (Place.VLLM, Place.LOCAL, Place.CLOUD),
}


class LlmConfig(_Config):
    """Nothing is asked where no provider is named.

    `ladders` by tier: providers in the order in which they are asked, then `rules` where the rules shall answer if no
    model could be asked (one that was late or talked nonsense abstains). By default critical questions go to the cloud,
    then vLLM, then a local model, and routine ones to vLLM, then a local model, then the cloud; both then to the rules.
    A question waits for `deadline_s` at most; a provider gets `rung_share` of what remains of
    that while there is another to ask. An agent may spend `usd_per_agent_per_day` (UTC); routine questions use a
    cloud's daily quota only while less than `offload_below` of it is used. A question is critical from a complexity of
    `complexity_critical` on. The last `cache_size` answers are held in memory and `cache_records` on disk.
    `near_duplicates` takes the answer to a question whose word triples overlap by `near_threshold` (Jaccard), of the
    same prompt version, schema and model.
    """

    providers: Mapping[str, ProviderConfig] = Field(default_factory=dict, max_length=32)
    ladders: Mapping[Tier, tuple[str, ...]] = Field(default_factory=dict)
    deadline_s: float = Field(default=3.0, gt=0, le=600)
    rung_share: float = Field(default=0.5, gt=0, le=1)
    usd_per_agent_per_day: Usd = Decimal(1)
    offload_below: float = Field(default=0.8, ge=0, le=1)
    complexity_critical: float = Field(default=0.5, ge=0, le=1)
    cache: bool = True
    cache_size: int = Field(default=2_048, ge=1, le=1_000_000)
    cache_records: int = Field(default=100_000, ge=1, le=100_000_000)
    near_duplicates: bool = False
    near_threshold: float = Field(default=0.95, gt=0, le=1)

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.providers:
            if not (name.isascii() and name.replace("_", "a").isalnum() and name.islower() and len(name) <= 24):
                raise ValueError(f"providers: {name!r} is no name; use up to 24 of a-z, 0-9 and _")
            if name == RULES:
                raise ValueError(f"providers: {name!r} stands for no model; take another name")
        for tier, rungs in self.ladders.items():
            for name in rungs:
                if name not in (*self.providers, RULES):
                    known = ", ".join((*self.providers, RULES))
                    raise ValueError(f"ladders: {tier.value}: {name!r} is no provider; there are: {known}")
            if RULES in rungs[:-1]:
                raise ValueError(f"ladders: {tier.value}: {RULES} can only be the last")
            if len(set(rungs)) != len(rungs):
                raise ValueError(f"ladders: {tier.value}: a provider stands twice")
        return self

    def ladder(self, tier: Tier) -> tuple[str, ...]:
        """The providers that a question of this tier goes to, in order."""
        if tier in self.ladders:
            return tuple(name for name in self.ladders[tier] if name != RULES)
        return tuple(name for place in _ORDER[tier] for name, p in self.providers.items() if p.place is place)

    def ends_in_rules(self, tier: Tier) -> bool:
        """Whether the rules answer where no model could be asked."""
        return tier not in self.ladders or self.ladders[tier][-1:] == (RULES,)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
