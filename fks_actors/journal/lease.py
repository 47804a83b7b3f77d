"""Who may drive: a lease with one holder, an end, and an epoch that rises with every grant.

Rules without a clock or a database; a store applies them atomically. A lease holds while `now_ms < until_ms`. Every
grant raises the epoch, one to the same holder too (it was restarted: what its former self still has under way must not
count), so whoever has seen a grant refuses all that carries a lower epoch. A renewal keeps the epoch and never brings
the end forward, as steps that are under way carry the former end.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from fks_actors.errors import InvariantError

IsDead = Callable[[str], bool]
"""Whether a holder is provably dead: False where that is not known."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` is empty while nobody holds it; the epoch stays, so that it never falls."""

    holder: str
    epoch: int
    until_ms: int


FREE = Lease("", 0, 0)
"""A lease that nobody has held yet."""


def nobody_is_dead(_: str) -> bool:
    """Know of no holder that it died."""
    return False


def holds(lease: Lease, now_ms: int) -> bool:
    """Tell whether somebody holds the lease at `now_ms`."""
    return bool(lease.holder) and now_ms < lease.until_ms


def acquire(held: Lease, holder: str, now_ms: int, ttl_ms: int, is_dead: IsDead = nobody_is_dead) -> Lease | None:
    """Grant the lease where it is free, ran out, is `holder`'s own, or its holder is dead; None where it is taken.

    Raises:
        InvariantError: no holder, or a lease that would not last.
    """
    _check(holder, ttl_ms)
    if holds(held, now_ms) and held.holder != holder and not is_dead(held.holder):
        return None
    return Lease(holder, held.epoch + 1, now_ms + ttl_ms)


def renew(held: Lease, holder: str, epoch: int, now_ms: int, ttl_ms: int) -> Lease | None:
    """Prolong the lease; None where it is not this grant's any more. One that ran out untaken is prolonged too.

    Raises:
        InvariantError: no holder, or a lease that would not last.
    """
    _check(holder, ttl_ms)
    if (held.holder, held.epoch) != (holder, epoch):
        return None
    return replace(held, until_ms=max(held.until_ms, now_ms + ttl_ms))


def release(held: Lease, holder: str, epoch: int) -> Lease | None:
    """Free the lease; None where it is not this grant's any more."""
    if not holder or (held.holder, held.epoch) != (holder, epoch):
        return None
    return Lease("", held.epoch, 0)


def _check(holder: str, ttl_ms: int) -> None:
    if not holder or ttl_ms <= 0:
        raise InvariantError(f"a lease needs a holder and a time to live, not {holder!r} and {ttl_ms} ms")
