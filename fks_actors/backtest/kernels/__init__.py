"""Arithmetic of a run's long loops, written once: plain Python for short recordings, compiled by numba for long ones.

A kernel computes what an incremental class of a lower floor computes, bit for bit (no fast-math), over all bars at
once; it is causal, so row t tells nothing of a later row. Tests hold each against its class.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

WORTH_ROWS = 60_000
"""From how many rows on compiled code is worth the import of the compiler."""


def made_for(kernel: F, rows: int) -> F:
    """The kernel to call for so many rows: itself, or compiled where that pays and numba is installed."""
    return _compiled(kernel) if rows >= WORTH_ROWS else kernel


@functools.cache
def _compiled(kernel: F) -> F:
    try:
        import numba
    except ImportError:
        return kernel
    compiled: F = numba.njit(cache=True)(kernel)
    return compiled
