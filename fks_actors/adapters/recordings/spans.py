"""Spans of time, half open, UTC ms: what of a recording was asked for, and what of a wish was not."""

from collections.abc import Iterable

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same instants in as few spans as there can be, ascending."""
    found: list[Span] = []
    for start, stop in sorted(s for s in spans if s[0] < s[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return tuple(found)


def lacking(wanted: Span, held: Iterable[Span]) -> tuple[Span, ...]:
    """What of `wanted` no span of `held` covers, ascending."""
    found: list[Span] = []
    at, end = wanted
    for start, stop in union(held):
        if stop <= at or start >= end:
            continue
        if start > at:
            found.append((at, start))
        at = stop
    return tuple(found) if at >= end else (*found, (at, end))
