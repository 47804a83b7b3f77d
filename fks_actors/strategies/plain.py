"""Plain data to JSON and back, to the last bit and the last type: what a snapshot may hold of a strategy.

None, bool, int (64 bits), float (NaN and the infinities too), str, list, tuple, deque, dict. Nothing else, no subclass
of these, and no list, deque or dict that stands in two places: the copy would be two.
"""

import math
from collections import deque
from typing import Any

_DEPTH = 50
_MOST_VALUES = 200_000
_INT = 2**63


class NotPlain(Exception):
    """Something cannot be told as plain data; the text names its type."""


def packed(value: object) -> Any:
    """The value as JSON-able data.

    Raises:
        NotPlain: it holds something else, or too much.
    """
    return _Packer().pack(value, 0)


def unpacked(told: Any) -> Any:
    """What `packed` told.

    Raises:
        KeyError, TypeError, ValueError: it did not tell this.
    """
    if not isinstance(told, dict):
        return told
    ((kind, held),) = told.items()
    match kind:
        case "float":
            return float(held)
        case "list":
            return [unpacked(each) for each in held]
        case "tuple":
            return tuple(unpacked(each) for each in held)
        case "deque":
            values, most = held
            return deque((unpacked(each) for each in values), most)
        case "dict":
            return {unpacked(key): unpacked(each) for key, each in held}
        case _:
            raise ValueError(f"{kind!r} is no kind of plain data")


class _Packer:
    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._values = 0

    def pack(self, value: Any, depth: int) -> Any:
        self._values += 1
        if depth > _DEPTH or self._values > _MOST_VALUES:
            raise NotPlain("more than a snapshot may hold")
        kind = type(value)
        if value is None or kind is bool or kind is str or (kind is int and -_INT <= value < _INT):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is tuple:
            return {"tuple": self._each(value, depth)}
        if kind not in (list, deque, dict):
            raise NotPlain(f"a {kind.__name__}")
        if id(value) in self._seen:
            raise NotPlain(f"one {kind.__name__} in two places")
        self._seen.add(id(value))
        if kind is list:
            return {"list": self._each(value, depth)}
        if kind is deque:
            return {"deque": [self._each(value, depth), value.maxlen]}
        return {"dict": [self._each(pair, depth) for pair in value.items()]}

    def _each(self, values: Any, depth: int) -> list[Any]:
        return [self.pack(each, depth + 1) for each in values]
