"""From the settings to a strategy's source, and from the source to its class.

A file's text is read once, where the settings are, and travels to whoever runs it: an actor on another machine, or one
that starts again after a crash, runs what was read, not what the file has become. Such a file is one module: it may
import what is installed, but not its neighbours.
"""

import hashlib
import importlib.abc
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from fks_actors.errors import ConfigError
from fks_actors.strategies.config import StrategyConfig
from fks_actors.strategies.faults import THEIRS, told
from fks_actors.strategies.parameters import checked
from fks_actors.strategies.port import Strategy

GROUP = "fks_actors.strategies"
"""The entry points under which installed packages offer strategies."""

_TEXTBOOK = "fks_actors.desk.textbook"
BUILT_IN = tuple(
    EntryPoint(name, f"{_TEXTBOOK}:{cls}", GROUP)
    for name, cls in (
        ("sma", "PriceOverSma"),
        ("sma_cross", "SmaCross"),
        ("macd", "MacdCross"),
        ("bollinger", "BollingerReversion"),
    )
)
"""The strategies that come with the package; an installed one of the same name takes the name over."""

MEMORY_BARS = 5_000
_MOST_BARS = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A strategy as it travels: `text` is its file's, empty for an installed one, `chosen` the class that was named."""

    name: str
    config: StrategyConfig
    path: str = ""
    text: str = ""
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A strategy's class with its parameters: makes an instance a symbol.

    `file` is where its code stands, `code` a digest of it: other code, or other parameters, are another strategy.
    """

    name: str
    cls: type[Any]
    params: Mapping[str, Any]
    file: str
    code: str
    memory_bars: int
    bar_limit_s: float

    def new(self) -> Strategy:
        """A fresh instance. What its constructor raises comes out."""
        made: Strategy = self.cls(**self.params)
        return made


def installed() -> tuple[str, ...]:
    """The names of the strategies that installed packages offer, this one among them."""
    return tuple(sorted({point.name for point in (*BUILT_IN, *entry_points(group=GROUP))}))


def read_source(name: str, config: StrategyConfig) -> Source:
    """What the strategy called `name` is made of.

    Raises:
        ConfigError: its file cannot be read.
    """
    if not config.path:
        return Source(name, config)
    path, chosen = _parted(config.path)
    path = os.path.abspath(os.path.expanduser(path))
    where = f"strategies.{name}.path: {path}"
    try:
        with open(path, encoding="utf-8-sig") as file:
            return Source(name, config, path, file.read(), chosen)
    except FileNotFoundError:
        raise ConfigError(f"{where}: no such file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}") from None


def load(source: Source) -> Kind:
    """Import the strategy's code, find its class, check its parameters and make one, to see that it can be made.

    Raises:
        ConfigError: names the file and line, or the key, and what is wrong.
    """
    name, config = source.name, source.config
    cls, code = _of_file(source) if source.path else _of_entry_point(name, config.entry_point or name)
    file = source.path or inspect.getsourcefile(cls) or ""
    memory = config.memory_bars or getattr(cls, "memory_bars", MEMORY_BARS)
    if type(memory) is not int or not 1 <= memory <= _MOST_BARS:
        raise ConfigError(f"{file}: {cls.__name__}.memory_bars must be a whole number of 1 to {_MOST_BARS:,}")
    params = checked(name, cls, config.params)
    kind = Kind(name, cls, params, file, code, memory, config.bar_limit_s)
    try:
        kind.new()
    except THEIRS as error:
        raise ConfigError(
            f"strategies.{name}.params: {cls.__name__} cannot be made of them: {told(error, file)}"
        ) from error
    return kind


def called(kind: Kind) -> str:
    """How a file's strategy is called where nobody gave it a name: by its class's `name`, or else as the file."""
    name = getattr(kind.cls, "name", "")
    return name if isinstance(name, str) and name else Path(kind.file).stem.lower().replace("-", "_")


def _parted(given: str) -> tuple[str, str]:
    path, colon, chosen = given.rpartition(":")
    return (path, chosen) if colon and chosen.isidentifier() else (given, "")


# --- a file ---


class _Text(importlib.abc.SourceLoader):
    """Loads a module from a text in memory."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str | bytes) -> bytes:
        if path != self._path:
            raise OSError("there is no byte code")
        return self._text.encode()


def _of_file(source: Source) -> tuple[type[Any], str]:
    code = hashlib.blake2b(f"{source.chosen}\n{source.text}".encode(), digest_size=12).hexdigest()
    module = _module(source, f"fks_strategy_{source.name}_{code}")
    found = {cls.__name__: cls for cls in _classes(module)}
    where, listed = f"strategies.{source.name}.path: {source.path}", ", ".join(found)
    if source.chosen:
        if source.chosen not in found:
            there = f"its strategies are {listed}" if found else "it has none"
            raise ConfigError(f"{where}: no class {source.chosen} with an on_bar method; {there}")
        return found[source.chosen], code
    if not found:
        raise ConfigError(f"{where}: no strategy in it; a strategy is a class with a method on_bar(self, bar)")
    if len(found) > 1:
        raise ConfigError(f"{where}: several strategies in it, {listed}; name one, as FILE.py:{next(iter(found))}")
    return next(iter(found.values())), code


def _module(source: Source, name: str) -> ModuleType:
    where = f"strategies.{source.name}.path: {source.path}"
    loader = _Text(source.path, source.text)
    spec = importlib.util.spec_from_loader(name, loader, origin=source.path)
    if spec is None:
        raise ConfigError(f"{where}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except THEIRS as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError) and error.filename == source.path:
            raise ConfigError(f"{where}, line {error.lineno}: not valid Python: {error.msg}") from None
        raise ConfigError(f"{where}: importing it failed: {told(error, source.path)}") from error
    return module


def _classes(module: ModuleType) -> Iterator[type[Any]]:
    for value in vars(module).values():
        own = isinstance(value, type) and value.__module__ == module.__name__ and not value.__name__.startswith("_")
        if own and callable(getattr(value, "on_bar", None)):
            yield value


# --- an installed package ---


def _of_entry_point(name: str, wanted: str) -> tuple[type[Any], str]:
    points = list(entry_points(group=GROUP, name=wanted)) or [each for each in BUILT_IN if each.name == wanted]
    if not points:
        there = ", ".join(installed()) or "none"
        raise ConfigError(
            f"strategies.{name}: no installed package offers a strategy {wanted!r} (there are: {there}); "
            f"name its file as strategies.{name}.path"
        )
    if len({point.value for point in points}) > 1:
        raise ConfigError(f"strategies.{name}: {wanted!r} is offered by {' and by '.join(map(_owner, points))}")
    point = points[0]
    try:
        cls = point.load()
    except THEIRS as error:
        raise ConfigError(f"strategies.{name}: {_owner(point)} cannot be imported: {told(error, '')}") from error
    if not isinstance(cls, type) or not callable(getattr(cls, "on_bar", None)):
        raise ConfigError(f"strategies.{name}: {_owner(point)} is no class with a method on_bar(self, bar)")
    version = point.dist.version if point.dist else ""
    try:
        text = inspect.getsource(inspect.getmodule(cls) or cls)
    except (OSError, TypeError):
        text = ""
    return cls, hashlib.blake2b(f"{point.value} {version}\n{text}".encode(), digest_size=12).hexdigest()


def _owner(point: EntryPoint) -> str:
    return f"{point.value} of {point.dist.name if point.dist else 'an unknown package'}"
