"""Whether a job that was asked for may run here, before it is queued: settings, recordings, names, sizes.

A strategy's text is compiled, to find what is no Python, and never run here: that the job's own process does.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fks_actors.backtest.contenders import MEASURES
from fks_actors.backtest.jobs.place import Place
from fks_actors.backtest.jobs.spec import DataSource, JobSpec
from fks_actors.errors import ConfigError, JobRefused
from fks_actors.settings import Settings

_MIB = 2**20
_LEAST_TREE, _DEEP = 200_000, 20


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that may run. `uploads` are the files that were brought, by place in `spec.data`."""

    spec: JobSpec
    uploads: Mapping[int, bytes]


def accepted(content: bytes, place: Place) -> Accepted:
    """The job that a request's JSON asks for.

    Raises:
        JobRefused: what is wrong, and in which field.
    """
    spec = read_spec(content)
    settings = _settings(spec, place)
    _strategies(spec, place, settings)
    uploads = {at: _uploaded(each, at) for at, each in enumerate(spec.data) if each.content is not None}
    for at, each in enumerate(spec.data):
        if at not in uploads:
            recording(each.name, place.folders, at)
    _baselines(spec)
    _search(spec, settings)
    _sweep(spec)
    return Accepted(spec.without_content(), uploads)


def read_spec(content: bytes) -> JobSpec:
    """The job of a JSON text, its shape checked; raises as `accepted`."""
    try:
        return JobSpec.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in fault["loc"])[:64]
    codes = {"missing": "missing_field", "extra_forbidden": "unknown_field", "json_invalid": "invalid_json"}
    code = codes.get(fault["type"], "invalid_field")
    raise JobRefused(code, fault["msg"].removeprefix("Value error, ")[:500], "" if code == "invalid_json" else field)


def recording(name: str, folders: tuple[Path, ...], at: int = 0) -> Path:
    """The file of a recording that is named, in one of these folders and nowhere else.

    Raises:
        JobRefused: there is none.
    """
    for folder in folders:
        found = (folder / name).resolve()
        if found.is_relative_to(folder.resolve()) and found.is_file():
            return found
    raise JobRefused("not_found", f"there is no recording {name}; `fks data list` names them", f"data.{at}.name")


def _settings(spec: JobSpec, place: Place) -> Settings:
    tree = place.tree if spec.settings is None else spec.settings
    if spec.settings is not None and (_deep(tree) or len(json.dumps(tree)) > _LEAST_TREE):
        raise JobRefused("too_large", "the settings are larger than any configuration", "settings")
    try:
        return Settings.model_validate(dict(tree))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(("settings", *(str(part) for part in fault["loc"])))
    raise JobRefused("invalid_field", fault["msg"].removeprefix("Value error, ")[:500], key[:64])


def _deep(value: object, depth: int = 0) -> bool:
    if depth > _DEEP:
        return True
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_deep(each, depth + 1) for each in inner)


def _strategies(spec: JobSpec, place: Place, settings: Settings) -> None:
    if spec.sources and not place.takes_code:
        raise JobRefused(
            "forbidden_code",
            "this desk takes no strategy's source; jobs.uploaded_code in its settings says so",
            "sources",
        )
    for at, source in enumerate(spec.sources):
        try:
            compile(source.text, source.file, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
            message = f"{source.file}{where}: not valid Python: {getattr(error, 'msg', error)}"
            raise JobRefused("invalid_field", message[:500], f"sources.{at}.text") from None
    files = {source.file for source in spec.sources}
    for field, path in _paths(spec, settings):
        if file_of(path) not in files:
            raise JobRefused("missing_source", f"{path[:80]}: bring that file's text among sources", field)


def _paths(spec: JobSpec, settings: Settings) -> Iterator[tuple[str, str]]:
    if spec.settings is not None:
        for name, config in settings.strategies.items():
            if config.path:
                yield f"settings.strategies.{name}.path", config.path
    if is_file(spec.strategy):
        yield "strategy", spec.strategy


def is_file(strategy: str) -> bool:
    """Whether a strategy is named by a file, FILE.py or FILE.py:CLASS."""
    return strategy.endswith(".py") or ".py:" in strategy


def file_of(path: str) -> str:
    """The file of FILE.py or FILE.py:CLASS."""
    return path.rpartition(":")[0] if ".py:" in path else path


def _uploaded(each: DataSource, at: int) -> bytes:
    field = f"data.{at}"
    if "/" in each.name:
        raise JobRefused("invalid_field", "an uploaded file has a name without folders", f"{field}.name")
    try:
        content = base64.b64decode(each.content or "", validate=True)
    except (binascii.Error, ValueError):
        raise JobRefused("invalid_field", "is not base64", f"{field}.content") from None
    if not content:
        raise JobRefused("invalid_field", "the uploaded file is empty", f"{field}.content")
    return content


def _baselines(spec: JobSpec) -> None:
    for name in spec.baselines or ():
        if name not in MEASURES:
            raise JobRefused(
                "invalid_field", f"there is no baseline {name!r}; there are {', '.join(MEASURES)}", "baselines"
            )


def _search(spec: JobSpec, settings: Settings) -> None:
    if spec.search is None:
        return
    from fks_actors.backtest.jobs.searched import axes_of
    from fks_actors.backtest.search.objectives import parse_objectives
    from fks_actors.backtest.search.samplers import PRUNERS, SAMPLERS
    from fks_actors.backtest.search.splits import parse_cv

    told = spec.search
    for name, given, known in (("sampler", told.sampler, SAMPLERS), ("pruner", told.pruner, PRUNERS)):
        if given not in known:
            raise JobRefused("invalid_field", f"write one of {', '.join(known)}", f"search.{name}")
    for name, check in (
        ("objectives", lambda: parse_objectives(",".join(told.objectives))),
        ("cv", lambda: parse_cv(told.cv)),
        ("space", lambda: axes_of(told, settings)),
    ):
        try:
            check()
        except ConfigError as error:
            raise JobRefused("invalid_field", str(error)[:500], f"search.{name}") from None
    if told.pruner != "none" and len(told.objectives) > 1:
        raise JobRefused("invalid_field", "a pruner needs a single objective", "search.pruner")


def _sweep(spec: JobSpec) -> None:
    if spec.sweep is None:
        return
    from fks_actors.backtest.sweep.rules import rule_named

    if len(spec.data) != 1:
        raise JobRefused("invalid_field", "a sweep is of one symbol; name one recording", "data")
    try:
        rule_named(spec.sweep.rule).sets(spec.sweep.grid)
    except ConfigError as error:
        raise JobRefused("invalid_field", str(error)[:500], "sweep") from None
