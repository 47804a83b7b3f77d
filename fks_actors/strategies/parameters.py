"""A strategy's parameters, held against its constructor: every name known, none missing, every type as annotated.

A parameter without an annotation takes its default's type; one without either takes anything. A whole number passes
for a float, and nothing else is converted.
"""

import difflib
import inspect
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from fks_actors.errors import ConfigError

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_SCALARS = (bool, int, float, str)


def checked(name: str, cls: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as the constructor takes them.

    Raises:
        ConfigError: names the key.
    """
    parameters = _parameters(cls)
    open_ended = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    named = {key: each for key, each in parameters.items() if each.kind in _NAMED}
    for key in given:
        if key not in named and not open_ended:
            raise ConfigError(f"strategies.{name}.params.{key}: {cls.__name__} {_takes(key, named)}")
    for key, each in named.items():
        if each.default is inspect.Parameter.empty and key not in given:
            raise ConfigError(f"strategies.{name}.params.{key}: {cls.__name__} needs it")
    kinds = _annotations(cls)
    found = dict(given)
    for key in named:
        if key in given:
            found[key] = _value(f"strategies.{name}.params.{key}", given[key], _kind(named[key], kinds))
    return found


def _parameters(cls: type[Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(cls).parameters
    except (ValueError, TypeError):
        return {}


def _annotations(cls: type[Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(cls.__init__)
    except Exception:  # noqa: BLE001 an annotation may be any expression
        return {}


def _kind(parameter: inspect.Parameter, kinds: Mapping[str, Any]) -> Any:
    if parameter.name in kinds:
        return kinds[parameter.name]
    return type(parameter.default) if isinstance(parameter.default, _SCALARS) else Any


def _value(key: str, given: Any, kind: Any) -> Any:
    try:
        adapter = TypeAdapter(kind, config=_STRICT)
    except PydanticSchemaGenerationError:
        return given
    except PydanticUserError:  # a type with a config of its own
        adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]["msg"].removeprefix("Input should be ")
        raise ConfigError(f"{key}: must be {wrong}, not {given!r:.60}") from None


def _takes(key: str, named: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(key, named, n=1)
    if close:
        return f"takes no such parameter; did you mean {close[0]}?"
    return f"takes no such parameter; it takes {', '.join(named) or 'none'}"
