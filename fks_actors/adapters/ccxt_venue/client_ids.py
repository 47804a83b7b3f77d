"""Client order ids as each exchange takes them, and back. Ours: `fks-`, 24 characters of base32, `_k` for a slice.

okx wants letters and digits, 32 at most; kraken a UUID's 32 hexadecimal digits, or free text of 18 at most. Every
mapping can be turned around without a table, so that an order found at the venue names its intent after a restart. On
kraken every UUID reads as an id of ours: only the journal tells whether it is one.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable

from fks_actors.errors import InvariantError
from fks_actors.execution.ids import PREFIX

_STANDARD = re.compile(r"fks-([a-z2-7]{24})(?:_(\d{1,3}))?")
_HEX = re.compile(r"[0-9a-f]{32}")
_OKX_PLAIN = re.compile(r"fks([a-z2-7]{24})(?:Z(\d{1,3}))?")
_KRAKEN_WHOLE = 0xF5
_KRAKEN_SLICES = 255
_OKX_ESCAPED = "fkx"
_KRAKEN_TEXT = 18


def to_venue(exchange: str, client_order_id: str) -> str:
    """The id that the exchange is given.

    Raises:
        InvariantError: the id is too long for this exchange; ids of `execution.ids` never are.
    """
    if exchange in _ENCODERS:
        return _ENCODERS[exchange](client_order_id)
    if len(client_order_id) > 36:
        raise InvariantError(f"client order id {client_order_id!r} is longer than 36")
    return client_order_id


def from_venue(exchange: str, venue_client_id: str) -> str:
    """The id as we know it; an id that is not ours comes back as it is."""
    decode = _DECODERS.get(exchange)
    return decode(venue_client_id) if decode else venue_client_id


def is_ours(client_order_id: str) -> bool:
    """Whether an id (as we know it) is one that a desk made."""
    return client_order_id.startswith(PREFIX)


def external_id(exchange: str, symbol: str, venue_id: str) -> str:
    """The client id under which an order of somebody else is adopted: a pure function of the venue's own id."""
    digest = hashlib.blake2b(f"{exchange}\x00{symbol}\x00{venue_id}".encode(), digest_size=15).digest()
    return "ext-" + base64.b32encode(digest).decode().lower()


def _okx(client_order_id: str) -> str:
    if found := _STANDARD.fullmatch(client_order_id):
        return f"fks{found[1]}" + (f"Z{found[2]}" if found[2] else "")
    escaped = _OKX_ESCAPED + base64.b32encode(client_order_id.encode()).decode().rstrip("=").lower()
    if len(escaped) > 32:
        raise InvariantError(f"client order id {client_order_id!r} is too long for okx")
    return escaped


def _from_okx(given: str) -> str:
    if found := _OKX_PLAIN.fullmatch(given):
        return PREFIX + found[1] + (f"_{found[2]}" if found[2] else "")
    if not given.startswith(_OKX_ESCAPED):
        return given
    body = given[len(_OKX_ESCAPED) :].upper()
    try:
        return base64.b32decode(body + "=" * (-len(body) % 8)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return given


def _kraken(client_order_id: str) -> str:
    found = _STANDARD.fullmatch(client_order_id)
    if found and (not found[2] or int(found[2]) < _KRAKEN_SLICES):
        mark = (_KRAKEN_WHOLE + 1 + int(found[2])) % 256 if found[2] else _KRAKEN_WHOLE
        return f"{mark:02x}" + base64.b32decode(found[1].upper()).hex()
    if len(client_order_id) > _KRAKEN_TEXT:
        raise InvariantError(f"client order id {client_order_id!r} is too long for kraken")
    return client_order_id


def _from_kraken(given: str) -> str:
    bare = given.replace("-", "").lower()
    if not _HEX.fullmatch(bare):
        return given
    body = base64.b32encode(bytes.fromhex(bare[2:])).decode().lower()
    k = (int(bare[:2], 16) - _KRAKEN_WHOLE - 1) % 256
    return PREFIX + body + ("" if k == _KRAKEN_SLICES else f"_{k}")


_ENCODERS: dict[str, Callable[[str], str]] = {"okx": _okx, "kraken": _kraken}
_DECODERS: dict[str, Callable[[str], str]] = {"okx": _from_okx, "kraken": _from_kraken}
