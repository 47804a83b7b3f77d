"""Spans: what is held and what lacks make up the wish, and share nothing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.recordings.spans import Span, lacking, union

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def instants(spans: list[Span] | tuple[Span, ...]) -> set[int]:
    return {i for start, stop in spans for i in range(start, stop)}


@given(SPANS)
def test_union_when_taken_then_it_has_the_same_instants_in_separate_spans(spans: list[Span]) -> None:
    found = union(spans)
    assert instants(found) == instants(spans)
    assert all(one[1] < two[0] for one, two in pairwise(found))


@given(SPANS, st.integers(0, 40), st.integers(1, 40))
def test_lacking_when_asked_then_it_is_the_wish_without_what_is_held(spans: list[Span], start: int, more: int) -> None:
    wanted = (start, start + more)
    found = lacking(wanted, spans)
    assert instants(found) == instants([wanted]) - instants(spans)
    assert list(found) == sorted(found)
