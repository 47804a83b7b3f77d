"""The whole configuration: every room's own config, composed; YAML files, environment and flags read once.

Later sources win: defaults, then the config file, then `FKS_SECTION__KEY` environment variables, then flags. Each value
remembers where it came from, so that `fks config` can say it and an error can name file, line and key. Secrets never
stand here: they come from FKS_WEBHOOK_SECRET and FKS_API_TOKEN or from files under FKS_HOME.
"""

import difflib
import functools
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.adapters.feeds.symbols import symbol_of
from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.jobs.config import JobsConfig
from fks_actors.adapters.news.config import NewsConfig
from fks_actors.adapters.sentiment.config import SentimentModelConfig
from fks_actors.agents.config import MINDS, AgentsConfig
from fks_actors.errors import ConfigError
from fks_actors.execution.config import PaperConfig
from fks_actors.execution.venues import RoutingConfig, VenueConfig, is_venue_name
from fks_actors.llm.config import LlmConfig
from fks_actors.market.config import MarketConfig
from fks_actors.memory.config import MemoryConfig
from fks_actors.reflection.config import ReflectionConfig
from fks_actors.reflection.shadows import ShadowsConfig
from fks_actors.risk.config import RiskConfig
from fks_actors.strategies.config import StrategyConfig, is_strategy_name
from fks_actors.strategies.source import installed
from fks_actors.webhook.config import WebhookRules
from fks_actors.yaml_source import KeyPath, read_value, read_yaml

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE)
_REDIS = re.compile(r"rediss?://[^\s/?#]+:\d{1,5}(/\d{0,4})?")
_JOURNAL = re.compile(r"(sqlite(\+pysqlite)?:////|postgresql(\+psycopg)?://).+")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeskSection(_Section):
    """The account that a fresh paper journal starts with, in quote, and how long things may take.

    In a replay time stands still while an actor restarts, so a vote's deadline may be long. `lease_ttl_s`: for how long
    a desk that fell silent keeps others from taking over. `dead_man_s`: a live feed that is silent for longer, and for
    longer than three bars, halts the desk; 0 never.
    """

    cash: Decimal = Field(default=Decimal(10_000), gt=0, le=10**15, allow_inf_nan=False)
    vote_deadline_s: float = Field(default=3.0, gt=0, le=600)
    replay_vote_deadline_s: float = Field(default=60.0, gt=0, le=600)
    lease_ttl_s: float = Field(default=10.0, ge=1, le=600)
    dead_man_s: float = Field(default=300.0, ge=0, le=86_400)


class JournalSection(_Section):
    """Where the journal lies: empty for SQLite under FKS_HOME (one a feed), else `postgresql://...` or
    `sqlite:////absolute/path.db` (a worker would look for a relative path in its own folder).

    The URL of a database with a password belongs into the environment: FKS_JOURNAL__URL.
    """

    url: str = ""

    @field_validator("url")
    @classmethod
    def _usable(cls, given: str) -> str:
        if given and not _JOURNAL.fullmatch(given):
            raise ValueError("a journal URL reads postgresql://user@host/db or sqlite:////absolute/path.db")
        return given


class RedisSection(_Section):
    """A Redis that the replicas share their rate limits in; empty for none: each replica counts by itself.

    `redis://host:port[/db]`, or `rediss://` for TLS. With a password it belongs into the environment: FKS_REDIS__URL.
    """

    url: str = ""

    @field_validator("url")
    @classmethod
    def _usable(cls, given: str) -> str:
        if given and not _REDIS.fullmatch(given):
            raise ValueError("a Redis URL reads redis://host:port/0 or rediss://host:port/0")
        return given


class ServeSection(_Section):
    """The HTTP edge. `host` is a loopback address unless you put TLS and a firewall before it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    replicas: int = Field(default=2, ge=1, le=64)
    proxy: Literal["haproxy", "python"] = "haproxy"

    @field_validator("host")
    @classmethod
    def _named(cls, given: str) -> str:
        try:
            ipaddress.ip_address(given)
        except ValueError:
            if not _HOST.fullmatch(given):
                raise ValueError(f"{given!r} is no IP address and no host name") from None
        return given


class ClusterSection(_Section):
    """The local Ray cluster. `object_store_mb` bounds shared memory."""

    object_store_mb: int = Field(default=100, ge=76, le=100_000)


class Settings(_Section):
    """Everything that can be told to a desk."""

    desk: DeskSection = DeskSection()
    feed: FeedConfig = FeedConfig()
    market: MarketConfig = MarketConfig()
    memory: MemoryConfig = MemoryConfig()
    agents: AgentsConfig = AgentsConfig()
    strategies: Mapping[str, StrategyConfig] = Field(default={})
    news: NewsConfig = NewsConfig()
    sentiment: SentimentModelConfig = SentimentModelConfig()
    forecast: ForecastModelConfig = ForecastModelConfig()
    llm: LlmConfig = LlmConfig()
    reflection: ReflectionConfig = ReflectionConfig()
    shadows: ShadowsConfig = ShadowsConfig()
    risk: RiskConfig = RiskConfig()
    paper: PaperConfig = PaperConfig()
    venues: Mapping[str, VenueConfig] = Field(default={"paper": VenueConfig()}, min_length=1)
    routing: RoutingConfig = RoutingConfig()
    webhook: WebhookRules = WebhookRules()
    journal: JournalSection = JournalSection()
    redis: RedisSection = RedisSection()
    serve: ServeSection = ServeSection()
    cluster: ClusterSection = ClusterSection()
    jobs: JobsConfig = JobsConfig()

    @model_validator(mode="after")
    def _venues_are_known(self) -> Self:
        claimed: dict[str, str] = {}
        for name, venue in self.venues.items():
            if not is_venue_name(name):
                raise ValueError(f"venues: {name!r} is no name; use up to 24 of a-z, 0-9 and _")
            for symbol in venue.symbols:
                if symbol_of(symbol) != symbol:
                    raise ValueError(f"venues: {symbol!r} of {name} is no symbol; write BASE/QUOTE")
                if symbol in claimed:
                    raise ValueError(f"venues: {symbol} is claimed by {claimed[symbol]} and {name}")
                claimed[symbol] = name
        if self.routing.default not in self.venues:
            raise ValueError(f"routing.default: {self.routing.default!r} is none of {', '.join(self.venues)}")
        return self

    @model_validator(mode="after")
    def _minds_are_known(self) -> Self:
        for name in self.strategies:
            if not is_strategy_name(name) or name in MINDS:
                raise ValueError(
                    f"strategies: {name!r} cannot be a strategy's name; use a-z, 0-9 and _, as no mind has"
                )
        for name in self.agents.minds:
            if name not in (*MINDS, *self.strategies) and not (is_strategy_name(name) and name in installed()):
                known = ", ".join((*MINDS, *self.strategies, *installed()))
                raise ValueError(f"agents.minds: {name!r} is no mind and no strategy; there are {known}")
        return self

    @model_validator(mode="after")
    def _markets_are_symbols(self) -> Self:
        for name in self.paper.markets:
            symbol = symbol_of(name)
            if symbol != name:
                raise ValueError(f"paper.markets: {name!r} is no symbol; write {symbol or 'BASE/QUOTE'}")
        return self


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and, by key path, where each value that is not a default came from."""

    settings: Settings
    sources: Mapping[KeyPath, str]

    def rows(self) -> list[tuple[str, str, str]]:
        """(key, value, source) for every value in effect, in the order of the sections; passwords are masked."""
        return [
            (".".join(path), _shown(value), self._source(path))
            for path, value in _leaves(self.settings.model_dump(mode="json"))
        ]

    def _source(self, path: KeyPath) -> str:
        return next((self.sources[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.sources), "default")


def default_config() -> Path:
    """The packaged `paper.yaml`: beside the source tree, or in the installed package."""
    here = Path(__file__).resolve().parent
    packaged = here / "_configs" / "paper.yaml"
    return packaged if packaged.exists() else here.parent / "configs" / "paper.yaml"


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[KeyPath, object] | None = None,
) -> Loaded:
    """Compose the settings from file, environment and flags.

    Args:
        path: a YAML file; None for the packaged `paper.yaml`.
        environ: environment variables; None for the process's own.
        flags: values by key path; None values are passed over.

    Raises:
        ConfigError: names the file and line (or variable, or flag), the key and what is wrong; a line for each fault.
    """
    draft = _Draft()
    file = default_config() if path is None else path
    for given in read_yaml(file):
        where = f"{file}:{given.line}"
        if given.is_section:
            draft.places[given.key] = where
        else:
            _refuse_password(given.key, given.value, where)
            draft.put(given.key, given.value, where)
    for name, text in sorted((os.environ if environ is None else environ).items()):
        if name.startswith("FKS_") and "__" in name:
            key = tuple(part.lower() for part in name.removeprefix("FKS_").split("__"))
            draft.put(key, _from_text(key, text), name)
    for key, flag in (flags or {}).items():
        if flag is not None:
            draft.put(key, flag, _FLAGS.get(key) or "--" + key[-1].replace("_", "-"))
    try:
        return Loaded(Settings.model_validate(draft.values), draft.sources)
    except ValidationError as error:
        raise ConfigError(draft.told(error, str(file))) from None


def without_password(url: str) -> str:
    """A database's URL that may be shown."""
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r"://([^:/@]*):.*@", r"://\1:***@", url))


_FLAGS: Mapping[KeyPath, str] = {("feed", "spec"): "--feed"}
"""Flags that are not called like their key."""

_SECRETS = frozenset({"secret", "token", "password"})


@dataclass
class _Draft:
    """What was given so far. `sources`: where each value came from; `places`: the same, and each section's line."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[KeyPath, str] = field(default_factory=dict)
    places: dict[KeyPath, str] = field(default_factory=dict)

    def put(self, key: KeyPath, value: object, where: str) -> None:
        """Take a value; a later one wins over it and over all below it."""
        name = ".".join(key)
        if key[-1] in _SECRETS:
            raise ConfigError(
                f"{where}: {name}: a secret does not stand in the configuration; set FKS_WEBHOOK_SECRET or "
                "FKS_API_TOKEN, or let `fks up` make one in FKS_HOME"
            )
        if key in _sections():
            if value is None:
                return
            if not isinstance(value, dict):
                raise ConfigError(f"{where}: {name} is a section; write its keys below it, as key: value")
        if isinstance(value, bool) and key in _kinds() and bool not in (_kinds()[key], *get_args(_kinds()[key])):
            raise ConfigError(f"{where}: {name}: must not be true or false (as yes, no, on and off read)")
        for book in (self.sources, self.places):
            for below in [k for k in book if k[: len(key)] == key]:
                del book[below]
            book[key] = where
        held = self.values
        for part in key[:-1]:
            inner = held.get(part)
            if not isinstance(inner, dict):
                inner = held[part] = {}
            held = inner
        held[key[-1]] = value

    def told(self, error: ValidationError, file: str) -> str:
        """The faults, a line each: where, which key, what is wrong."""
        said: dict[tuple[str, str, str], dict[str, None]] = {}
        for fault in error.errors(include_url=False):
            key, where = self._place(fault)
            message, found = _message(fault, key)
            said.setdefault((where or file, ".".join(key), found), {})[message] = None
        return "\n".join(
            f"{where}: {key + ': ' if key else ''}{' or '.join(messages)}{found}"
            for (where, key, found), messages in said.items()
        )

    def _place(self, fault: ErrorDetails) -> tuple[KeyPath, str]:
        """The key that a user wrote, and where; of a whole section's fault, the key that its text names."""
        key = tuple(str(part) for part in fault["loc"])
        below = [k for k in self.places if k[: len(key)] == key and len(k) > len(key)]
        named = [k for k in below if k[-1] in fault["msg"]]
        above = [k for k in self.places if k and key[: len(k)] == k]
        if named:
            return key, self.places[named[-1]]
        if above:
            near = max(above, key=len)
            is_own = near in _kinds() and fault["type"] != "extra_forbidden"
            return (near if is_own else key), self.places[near]
        return key, self.places[below[-1]] if key and below else ""


def _message(fault: ErrorDetails, key: KeyPath) -> tuple[str, str]:
    """What is wrong, and `, not <what was found>` where that helps."""
    if fault["type"] == "extra_forbidden":
        return "unknown key" + _nearest(key), ""
    text, value = fault["msg"], fault["input"]
    for start in ("Input should be ", "Decimal input should be "):
        if text.startswith(start):
            rule = text.removeprefix(start).partition(", unable")[0].replace("valid tuple", "list")
            shown = f"{value!r:.60}" if isinstance(value, str) else f"{value!s:.60}"
            return f"must be {rule}", f", not {shown}" if isinstance(value, str | int | float) else ""
    return text.removeprefix("Value error, "), ""


def _refuse_password(key: KeyPath, value: object, where: str) -> None:
    if key[-1:] == ("url",) and isinstance(value, str) and without_password(value) != value:
        variable = "FKS_" + "__".join(part.upper() for part in key)
        name = ".".join(key)
        raise ConfigError(f"{where}: {name}: a password does not stand in a file; set {variable} instead")


def _from_text(key: KeyPath, text: str) -> object:
    """An environment variable's value; a list may be written with commas."""
    value = read_value(text)
    if isinstance(value, str) and get_origin(_kinds().get(key)) is tuple:
        return [part.strip() for part in value.split(",")]
    return value


@functools.cache
def _kinds() -> Mapping[KeyPath, Any]:
    """Every key that a value may be given for, and its type."""
    return dict(_fields(Settings))


@functools.cache
def _sections() -> frozenset[KeyPath]:
    """Every key that holds keys of its own."""
    above = {key[:n] for key in _kinds() for n in range(1, len(key))}
    return frozenset(above | {key for key, kind in _kinds().items() if get_origin(kind) is Mapping})


def _fields(model: type[BaseModel], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, (*above, name))
        else:
            yield (*above, name), kind


def _nearest(key: KeyPath) -> str:
    known = [".".join(path) for path in (*_kinds(), *_sections()) if len(path) == len(key)]
    close = difflib.get_close_matches(".".join(key), known, n=1, cutoff=0.6)
    if not close:
        own = {path[-1]: ".".join(path) for path in _kinds()}
        close = [own[name] for name in difflib.get_close_matches(key[-1], own, n=1, cutoff=0.75)]
    return f"; did you mean {close[0]}?" if close else "; `fks config` prints every key"


def _leaves(values: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "(none)"
    return "(none)" if value in (None, "", {}) else without_password(str(value))
