"""Which files are opened while something runs, by Python's audit events.

A hook that was added stays for the life of the process, so there is one, which is silent while nobody watches. Files
that are opened by native code of a library (Parquet by polars or pyarrow) raise no event and are not seen.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

_watched: list[tuple[frozenset[str], set[str]]] = []


@contextmanager
def watching(paths: Iterable[str]) -> Iterator[set[str]]:
    """Collect those of `paths` that are opened meanwhile, by any thread, as real paths."""
    _hook()
    opened: set[str] = set()
    watch = (frozenset(os.path.realpath(path) for path in paths), opened)
    _watched.append(watch)
    try:
        yield opened
    finally:
        _watched.remove(watch)


@cache
def _hook() -> None:
    sys.addaudithook(_heard)


def _heard(event: str, details: tuple[object, ...]) -> None:
    if event != "open" or not _watched:
        return
    path = details[0]
    if not isinstance(path, str | bytes):
        return
    real = os.path.realpath(os.fsdecode(path))
    for paths, opened in _watched:
        if real in paths:
            opened.add(real)
