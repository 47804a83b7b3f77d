"""What may vary in a search: keys of the settings, each with a range or choices, checked against the settings.

```yaml
    risk.per_trade_pct: {low: 1, high: 10, step: 1}
    agents.asmbtr.depth: {low: 6, high: 12}               # whole numbers where the setting is whole
    strategies.ema_cross.params.fast: {low: 5, high: 60}  # and where no setting says it, as it is, or is written here
    agents.long.trend_noise: {low: 0.5, high: 50, log: true}
    risk.sizing: [fixed_pct, risk, volatility]
```
"""

import difflib
import json
import types
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError

from fks_actors.errors import ConfigError
from fks_actors.settings import Settings
from fks_actors.yaml_source import KeyPath, read_value, read_yaml

_WORDS = frozenset({"low", "high", "step", "int", "log", "choices"})
_DIGITS = 12
NO_BEARING = ("feed", "journal", "redis", "serve", "cluster", "jobs", "webhook", "news")
"""Sections that no run over recorded bars reads; they are left out of a trial's record."""

Tree = dict[str, Any]


class Axis(msgspec.Struct, frozen=True):
    """One key and what it may be: a range (both ends included), or `choices`. A whole number where `whole`."""

    key: str
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    whole: bool = False
    log: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def path(self) -> KeyPath:
        """The key in parts."""
        return tuple(self.key.split("."))

    def plain(self, drawn: float) -> int | float:
        """A drawn number as it goes into the settings: whole, or with 12 digits (0.3, not 0.30000000000000004)."""
        return round(drawn) if self.whole else float(f"{drawn:.{_DIGITS}g}")


def read_space(path: Path, settings: Settings) -> tuple[Axis, ...]:
    """The axes of a YAML file, in its order.

    Raises:
        ConfigError: names file, line, key and what is wrong.
    """
    found: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    for given in read_yaml(path):
        if given.is_section:
            continue
        *above, last = (part for each in given.key for part in each.split("."))
        if last in _WORDS and not (isinstance(given.value, list) and last != "choices"):
            key, told = ".".join(above), {last: given.value}
        else:
            key, told = ".".join((*above, last)), {"choices": given.value}
        found.setdefault(key, {}).update(told)
        lines.setdefault(key, given.line)
    if not found:
        raise ConfigError(f"{path}: nothing to search; write lines like risk.per_trade_pct: {{low: 1, high: 10}}")
    return tuple(_axis(key, told, settings, f"{path}:{lines[key]}") for key, told in found.items())


def parse_axis(text: str, settings: Settings) -> Axis:
    """An axis from the command line: KEY=LOW:HIGH[:STEP|:log], or KEY=ONE,OTHER[,...].

    Raises:
        ConfigError: what is wrong.
    """
    key, found, told = text.partition("=")
    where = f"--param {text}"
    if not found:
        raise ConfigError(f"{where}: write KEY=LOW:HIGH[:STEP] or KEY=ONE,OTHER")
    if ":" not in told:
        return _axis(key, {"choices": [read_value(each.strip()) for each in told.split(",")]}, settings, where)
    low, high, *rest = (read_value(each) for each in told.split(":"))
    if len(rest) > 1:
        raise ConfigError(f"{where}: a range is LOW:HIGH, LOW:HIGH:STEP or LOW:HIGH:log")
    extra = {"log": True} if rest == ["log"] else {"step": rest[0]} if rest else {}
    return _axis(key, {"low": low, "high": high, **extra}, settings, where)


def axis(key: str, told: Mapping[str, Any] | list[Any], settings: Settings, where: str) -> Axis:
    """An axis as a file has it: a mapping with `low` and `high`, or a list of choices; `where` stands in the error.

    Raises:
        ConfigError: what is wrong.
    """
    given = {"choices": told} if isinstance(told, list) else told
    for word in given:
        if word not in _WORDS:
            raise ConfigError(f"{where}: {key}: {word!r} is none of {', '.join(sorted(_WORDS))}")
    return _axis(key, given, settings, where)


def told_axis(of: Axis) -> tuple[str, dict[str, Any] | list[Any]]:
    """The key of an axis, and what `axis` makes the same axis of."""
    if of.choices:
        return of.key, list(of.choices)
    extra: dict[str, Any] = {"log": True} if of.log else {} if of.step is None else {"step": of.plain(of.step)}
    whole = {"int": True} if of.whole else {}
    return of.key, {"low": of.plain(of.low), "high": of.plain(of.high), **extra, **whole}


def joined(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The axes, no key twice and none under another.

    Raises:
        ConfigError: otherwise, or where there is none.
    """
    if not axes:
        raise ConfigError("nothing to search: name keys with --space FILE or --param KEY=LOW:HIGH")
    keys = [axis.path for axis in axes]
    for at, key in enumerate(keys):
        for other in keys[:at]:
            if key[: len(other)] == other or other[: len(key)] == key:
                raise ConfigError(f"{'.'.join(key)} and {'.'.join(other)} both vary: one holds the other")
    return tuple(axes)


def base_tree(settings: Settings) -> Tree:
    """What was set, without defaults, of the sections that a run reads: `settings_of` makes the same settings of it."""
    return settings.model_dump(mode="json", exclude_unset=True, exclude=set(NO_BEARING))


def settings_of(tree: Tree, values: Mapping[str, Any] | None = None) -> Settings:
    """The settings with other values.

    Raises:
        ConfigError: they do not go together; the text names the keys.
    """
    made = deepcopy(tree)
    for key, value in (values or {}).items():
        _put(made, tuple(key.split(".")), value)
    try:
        return Settings.model_validate(made)
    except ValidationError as error:
        raise ConfigError("; ".join(_faults(error))) from None


def _put(tree: Tree, path: KeyPath, value: object) -> None:
    """Set one key. A mapping of free names that was not set yet begins as its default."""
    held: Any = tree
    for at, part in enumerate(path[:-1], 1):
        if not isinstance(held.get(part), dict):
            held[part] = _default(path[:at])
        held = held[part]
    held[path[-1]] = value


def _default(path: KeyPath) -> Tree:
    kind: Any = Settings
    held: Any = Settings()
    for part in path:
        held = held.get(part) if isinstance(held, Mapping) else getattr(held, part, None)
        kind, _ = _below(kind, part)
    if isinstance(held, Mapping) and not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        dumped = TypeAdapter(Any).dump_python(dict(held), mode="json")
        return dict(dumped)
    return {}


def _axis(key: str, told: Mapping[str, Any], settings: Settings, where: str) -> Axis:
    path = tuple(key.split("."))
    if path[0] in NO_BEARING:
        raise ConfigError(f"{where}: {key}: {path[0]} has no bearing on a run over recorded bars")
    kind, rules = _leaf(path, where)
    if "choices" in told:
        if len(told) > 1:
            raise ConfigError(f"{where}: {key}: give choices, or low and high, not both")
        return _choices(key, told["choices"], kind, rules, where)
    if kind is Any and "int" not in told:
        told = {**told, "int": _is_whole(path, told, settings)}
    axis = _range(key, told, kind, where)
    for end in (axis.low, axis.high):
        _fits(key, axis.plain(end), kind, rules, where)
    return axis


def _is_whole(path: KeyPath, told: Mapping[str, Any], settings: Settings) -> bool:
    """Whether a free parameter is a whole number: as its value is that was set, else as its range is written."""
    held: Any = settings
    for part in path:
        held = held.get(part) if isinstance(held, Mapping) else getattr(held, part, None)
    if type(held) in (int, float):
        return type(held) is int and all(float(told.get(word) or 0) % 1 == 0 for word in ("low", "high", "step"))
    return all(type(told[word]) is int for word in ("low", "high", "step") if told.get(word) is not None)


def _range(key: str, told: Mapping[str, Any], kind: Any, where: str) -> Axis:
    numbers = {word: told[word] for word in ("low", "high", "step") if told.get(word) is not None}
    for word, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ConfigError(f"{where}: {key}.{word}: must be a number, not {value!r}")
    if "low" not in numbers or "high" not in numbers:
        raise ConfigError(f"{where}: {key}: a range has low and high")
    for word in ("int", "log"):
        if not isinstance(told.get(word, False), bool):
            raise ConfigError(f"{where}: {key}.{word}: must be true or false")
    low, high, step = numbers["low"], numbers["high"], numbers.get("step")
    log = told.get("log", False)
    whole = told.get("int", False) or kind is int
    if not low < high:
        raise ConfigError(f"{where}: {key}: low {low} is not below high {high}")
    if step is not None and not 0 < step <= high - low:
        raise ConfigError(f"{where}: {key}.step: must be above 0 and at most {high - low:g}, not {step}")
    if log and (step is not None or low <= 0):
        raise ConfigError(f"{where}: {key}: log takes no step, and a low above 0")
    if whole and any(float(each) != int(each) for each in numbers.values()):
        raise ConfigError(f"{where}: {key}: is a whole number; so are low, high and step")
    return Axis(key, float(low), float(high), None if step is None else float(step), whole, log)


def _choices(key: str, given: Any, kind: Any, rules: Sequence[Any], where: str) -> Axis:
    if not isinstance(given, list) or not given:
        raise ConfigError(f"{where}: {key}: write a list of choices, or {{low: ..., high: ...}}")
    for each in given:
        _fits(key, each, kind, rules, where)
    if len({json.dumps(each, default=str) for each in given}) != len(given):
        raise ConfigError(f"{where}: {key}: a choice stands twice")
    return Axis(key, choices=tuple(given))


def _fits(key: str, value: object, kind: Any, rules: Sequence[Any], where: str) -> None:
    if isinstance(value, bool) and kind is not bool and kind is not Any and bool not in get_args(kind):
        raise ConfigError(f"{where}: {key}: must not be true or false")
    if kind is bool and not isinstance(value, bool):
        raise ConfigError(f"{where}: {key}: must be true or false, not {value!r}; write [true, false]")
    adapter: TypeAdapter[Any] = TypeAdapter(_ruled(kind, rules))
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        raise ConfigError(f"{where}: {key}: {value!r}: {error.errors(include_url=False)[0]['msg']}") from None


def _ruled(kind: Any, rules: Sequence[Any]) -> Any:
    for rule in rules:
        kind = Annotated[kind, rule]
    return kind


def _leaf(path: KeyPath, where: str) -> tuple[Any, Sequence[Any]]:
    """A key's type and its rules."""
    kind: Any = Settings
    rules: Sequence[Any] = ()
    for at, part in enumerate(path):
        try:
            kind, rules = _below(kind, part)
        except LookupError as error:
            near = difflib.get_close_matches(part, error.args[0], n=1, cutoff=0.5)
            known = f"; did you mean {'.'.join((*path[:at], near[0]))}?" if near else "; `fks config` prints every key"
            raise ConfigError(f"{where}: {'.'.join(path)}: unknown key{known}") from None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        raise ConfigError(f"{where}: {'.'.join(path)} is a section; name one of {', '.join(kind.model_fields)}")
    return kind, rules


def _below(kind: Any, part: str) -> tuple[Any, Sequence[Any]]:
    """The type of what stands under `part`.

    Raises:
        LookupError: nothing does; with the names that would.
    """
    if kind is Any or kind is object:
        return Any, ()
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        info = kind.model_fields.get(part)
        if info is None:
            raise LookupError(list(kind.model_fields))
        return _bare(info.annotation, info.metadata)
    if get_origin(kind) in (Union, types.UnionType):
        for each in get_args(kind):
            try:
                return _below(each, part)
            except LookupError:
                continue
    origin = get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping) and part:
        return _bare(get_args(kind)[1], ())
    raise LookupError([])


def _bare(kind: Any, rules: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """A type without Annotated, and all its rules; of `X | None`, X."""
    if hasattr(kind, "__metadata__"):
        return _bare(get_args(kind)[0], (*kind.__metadata__, *rules))
    if get_origin(kind) in (Union, types.UnionType):
        others = [each for each in get_args(kind) if each is not type(None)]
        if len(others) == 1:
            return _bare(others[0], rules)
    return kind, rules


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"])
        yield f"{key + ': ' if key else ''}{fault['msg'].removeprefix('Value error, ')}"
