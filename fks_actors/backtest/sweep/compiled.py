"""How kernels are compiled: to the same floats as Python computes, once a machine.

No fast mathematics: no reassociation and no fused multiply-add, so that a kernel that does what an incremental
indicator does, in the same order, gives the same bits. The machine code is kept beside this package or, where that is
read-only, in the user's cache folder; where neither can be written it is compiled anew in each process.
`NUMBA_CACHE_DIR` names another folder.

Only the kernels import this module, and only it imports numba: the extra `research`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

K = TypeVar("K", bound=Callable[..., Any])


def compiled(function: K) -> K:
    """The function as machine code, compiled when it is first called; it lets go of the interpreter's lock."""
    try:
        return cast("K", njit(function, cache=True, nogil=True, error_model="numpy"))
    except RuntimeError:  # no folder of the cache's can be written
        return cast("K", njit(function, nogil=True, error_model="numpy"))
