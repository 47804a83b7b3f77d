"""The whole configuration: every room's own config, composed; YAML files, environment and flags read once.

Later sources win: defaults, then the config file, then `FKS_SECTION__KEY` environment variables, then flags. Each value
remembers where it came from, so that `fks config` can say it and an error can name file, line and key. Secrets never
stand here: they come from FKS_WEBHOOK_SECRET and FKS_API_TOKEN or from files under FKS_HOME.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fks_actors.adapters.feeds.config import FeedConfig
from fks_actors.agents.config import AgentsConfig
from fks_actors.errors import ConfigError
from fks_actors.execution.config import PaperConfig
from fks_actors.market.config import MarketConfig
from fks_actors.memory.config import MemoryConfig
from fks_actors.risk.config import RiskConfig
from fks_actors.webhook.config import WebhookConfig

Path_ = tuple[str, ...]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeskSection(_Section):
    """The account that a fresh journal starts with, in quote, and how long a vote may take.

    In a replay time stands still while an actor restarts, so its deadline may be long.
    """

    cash: Decimal = Field(default=Decimal(10_000), gt=0, allow_inf_nan=False)
    vote_deadline_s: float = Field(default=3.0, gt=0, le=600)
    replay_vote_deadline_s: float = Field(default=60.0, gt=0, le=600)


class JournalSection(_Section):
    """Where the journal lies: empty for SQLite under FKS_HOME (one a feed), else `postgresql://...` or `sqlite:///...`.

    The URL of a database with a password belongs into the environment: FKS_JOURNAL__URL.
    """

    url: str = ""


class ServeSection(_Section):
    """The HTTP edge. `host` is a loopback address unless you put TLS and a firewall before it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    replicas: int = Field(default=2, ge=1, le=64)
    proxy: Literal["haproxy", "python"] = "haproxy"


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
    risk: RiskConfig = RiskConfig()
    paper: PaperConfig = PaperConfig()
    webhook: WebhookConfig = WebhookConfig()
    journal: JournalSection = JournalSection()
    serve: ServeSection = ServeSection()
    cluster: ClusterSection = ClusterSection()


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and, by key path, where each value that is not a default came from."""

    settings: Settings
    sources: Mapping[Path_, str]

    def rows(self) -> list[tuple[str, str, str]]:
        """(key, value, source) for every value in effect, in the order of the sections."""
        return [
            (".".join(path), _shown(value), self._source(path))
            for path, value in _leaves(self.settings.model_dump(mode="json"))
        ]

    def _source(self, path: Path_) -> str:
        return next((self.sources[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.sources), "default")


def default_config() -> Path:
    """The packaged `paper.yaml`: beside the source tree, or in the installed package."""
    here = Path(__file__).resolve().parent
    packaged = here / "_configs" / "paper.yaml"
    return packaged if packaged.exists() else here.parent / "configs" / "paper.yaml"


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[Path_, object] | None = None,
) -> Loaded:
    """Compose the settings from file, environment and flags.

    Args:
        path: a YAML file; None for the packaged `paper.yaml`.
        environ: environment variables; None for the process's own.
        flags: values by key path; None values are passed over.

    Raises:
        ConfigError: names the file and line (or variable, or flag), the key and what is wrong.
    """
    values: dict[str, Any] = {}
    sources: dict[Path_, str] = {}
    file = default_config() if path is None else path
    for key, value, line in _read_yaml(file):
        _put(values, key, value)
        sources[key] = f"{file}:{line}"
    for key, text, name in _read_environment(os.environ if environ is None else environ):
        _put(values, key, text)
        sources[key] = name
    for key, flag in (flags or {}).items():
        if flag is not None:
            _put(values, key, flag)
            sources[key] = "--" + key[-1].replace("_", "-")
    try:
        return Loaded(Settings.model_validate(values), sources)
    except ValidationError as error:
        raise ConfigError(_told(error, sources, str(file))) from None


def _read_yaml(path: Path) -> Iterator[tuple[Path_, Any, int]]:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such config file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:{root.start_mark.line + 1}: the file must hold sections (key: value)")
    yield from _walk(root, (), path)


def _walk(node: yaml.MappingNode, above: Path_, path: Path) -> Iterator[tuple[Path_, Any, int]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = str(key_node.value)
        if key in seen:
            raise ConfigError(f"{path}:{line}: {'.'.join((*above, key))} stands twice")
        seen.add(key)
        if isinstance(value_node, yaml.MappingNode) and value_node.value:
            yield from _walk(value_node, (*above, key), path)
        else:
            yield (*above, key), yaml.SafeLoader("").construct_object(value_node, deep=True), line


def _read_environment(environ: Mapping[str, str]) -> Iterator[tuple[Path_, Any, str]]:
    for name in sorted(environ):
        if name.startswith("FKS_") and "__" in name:
            key = tuple(part.lower() for part in name.removeprefix("FKS_").split("__"))
            try:
                yield key, yaml.safe_load(environ[name]), name
            except yaml.YAMLError:
                yield key, environ[name], name


def _put(values: dict[str, Any], key: Path_, value: object) -> None:
    for part in key[:-1]:
        below = values.setdefault(part, {})
        if not isinstance(below, dict):
            below = values[part] = {}
        values = below
    values[key[-1]] = value


def _told(error: ValidationError, sources: Mapping[Path_, str], file: str) -> str:
    lines = []
    for fault in error.errors():
        key = tuple(str(part) for part in fault["loc"])
        names = [k for k in sources if k[: len(key)] == key or key[: len(k)] == k]
        where = sources[names[0]] if names else file
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "unknown key" + _nearest(key)
        lines.append(f"{where}: {'.'.join(key)}: {message}")
    return "\n".join(lines)


def _nearest(key: Path_) -> str:
    known = [".".join(path) for path, _ in _leaves(Settings().model_dump(mode="json"))]
    known += sorted({name.split(".")[0] for name in known})
    close = difflib.get_close_matches(".".join(key), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _leaves(values: Mapping[str, Any], above: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "(none)"
    return "(none)" if value is None or value == {} else str(value)
