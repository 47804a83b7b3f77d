"""A YAML file as settings: each value with the path of keys above it and its line. Nothing but plain data is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from fks_actors.errors import ConfigError

KeyPath = tuple[str, ...]

_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What PyYAML's constructors let out on values such as 2024-13-45 or `!!bool maybe`."""


@dataclass(frozen=True, slots=True)
class Given:
    """One value of a file. A section's own line comes with `value` None and `is_section`."""

    key: KeyPath
    value: Any
    line: int
    is_section: bool = False


class _Loader(yaml.SafeLoader):
    """Without aliases: a few lines of them can stand for more than fits into memory, or for themselves."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            problem = f"the alias *{event.anchor} is not read; write the value out"
            raise ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Iterator[Given]:
    """Every value of the file, in its order.

    Raises:
        ConfigError: names file, line and what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such config file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: cannot be read: it is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(_told(error, str(path))) from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid YAML: nested too deeply") from None
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag.endswith(":null")):
        return
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:{root.start_mark.line + 1}: the file must hold sections (key: value)")
    yield from _walk(root, (), path)


def read_value(text: str) -> Any:
    """The value that `text` stands for, as in a file; the text itself where it is no YAML."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        return None if node is None else _plain(node)
    except (yaml.YAMLError, RecursionError, *_UNREADABLE):
        return text


def _walk(node: yaml.MappingNode, above: KeyPath, path: Path) -> Iterator[Given]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        where = f"{path}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigError(f"{where}: a key must be a plain word")
        key = (*above, key_node.value)
        if key_node.value in seen:
            raise ConfigError(f"{where}: {'.'.join(key)} stands twice")
        seen.add(key_node.value)
        line = key_node.start_mark.line + 1
        if isinstance(value_node, yaml.MappingNode) and value_node.value:
            yield Given(key, None, line, is_section=True)
            yield from _walk(value_node, key, path)
            continue
        try:
            yield Given(key, _plain(value_node), line)
        except yaml.YAMLError as error:
            raise ConfigError(_told(error, str(path))) from None
        except _UNREADABLE as error:
            raise ConfigError(
                f"{where}: {'.'.join(key)}: cannot be read ({error}); quote it if text is meant"
            ) from None


def _plain(node: yaml.Node) -> Any:
    return _Loader("").construct_object(node, deep=True)


def _told(error: yaml.YAMLError, path: str) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"{path}: not valid YAML: {' '.join(str(error).split())}"
    line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
    problem = " ".join(filter(None, (error.problem, error.context)))
    return f"{path}{line}: not valid YAML: {' '.join(problem.split())}"
