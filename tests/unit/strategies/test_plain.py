"""Plain data comes back to the last bit and the last type; whatever else is named."""

import json
import math
from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.strategies.plain import NotPlain, packed, unpacked

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text()
keys = st.booleans() | st.integers(-100, 100) | st.text() | st.tuples(st.integers(-9, 9), st.text())
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.tuples(st.lists(inner), st.none() | st.integers(1, 5)).map(lambda both: deque(*both))
        | st.dictionaries(keys, inner)
    ),
    max_leaves=20,
)


def shape(value: Any) -> Any:
    """The value with every type and bit in the open."""
    kind = type(value).__name__
    if isinstance(value, float):
        return kind, "nan" if math.isnan(value) else value.hex()
    if isinstance(value, dict):
        return kind, [(shape(k), shape(v)) for k, v in value.items()]
    if isinstance(value, list | tuple | deque):
        return kind, [shape(each) for each in value], getattr(value, "maxlen", None)
    return kind, value


@given(values)
def test_unpacked_when_it_went_through_json_then_is_the_same_to_the_last_bit(value: Any) -> None:
    assert shape(unpacked(json.loads(json.dumps(packed(value), allow_nan=False)))) == shape(value)


class Own(list[int]):
    pass


SHARED = [1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1, 2}, "a set"),
        ({"x": np.float64(1.0)}, "a float64"),
        ([np.zeros(2)], "a ndarray"),
        (Own([1]), "a Own"),
        (2**63, "a int"),
        ((SHARED, SHARED), "one list in two places"),
        ([0] * 200_001, "more than a snapshot may hold"),
    ],
)
def test_packed_when_it_is_not_plain_then_says_what_is_in_it(value: Any, said: str) -> None:
    with pytest.raises(NotPlain, match=said):
        packed(value)


def test_packed_when_a_list_holds_itself_then_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotPlain, match="one list in two places"):
        packed(loop)
