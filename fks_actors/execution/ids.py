"""Client order ids: a pure function of what asked for the order, so that a retry names the same order."""

import hashlib

from fks_actors.errors import InvariantError

PREFIX = "fks-"
_DIGEST_BYTES = 15  # 120 bits, 24 characters of base32 (RFC 4648) without padding
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(one + other for one in _BASE32 for other in _BASE32)
_SHIFTS = range(110, -1, -10)


def client_order_id(origin_id: str, leg: int) -> str:
    """The id of leg `leg` (0, 1, ...) of the cycle or signal `origin_id`: 28 characters of [a-z0-9-].

    Raises:
        InvariantError: `origin_id` is empty or `leg` negative.
    """
    if not origin_id or leg < 0:
        raise InvariantError(f"no client order id for leg {leg} of {origin_id!r}")
    digest = hashlib.blake2b(f"{leg}\x00{origin_id}".encode(), digest_size=_DIGEST_BYTES).digest()
    number = int.from_bytes(digest)
    return PREFIX + "".join([_PAIRS[number >> shift & 0x3FF] for shift in _SHIFTS])
