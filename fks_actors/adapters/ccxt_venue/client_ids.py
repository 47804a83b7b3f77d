"""Client order ids as each exchange takes them, and back. Ours are `fks-` and 24 characters of base32.

okx wants letters and digits, 32 at most; kraken a UUID's 32 hexadecimal digits, or free text of 18 at most. Every
mapping can be turned around without a table, so that an order found at the venue names its intent after a restart.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable

from fks_actors.errors import InvariantError
from fks_actors.execution.ids import PREFIX

_STANDARD = re.compile(r"fks-[a-z2-7]{24}")
_HEX = re.compile(r"f5[0-9a-f]{30}")
_OKX_PLAIN = re.compile(r"fks[a-z2-7]{24}")
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
    if _STANDARD.fullmatch(client_order_id):
        return client_order_id.replace("-", "")
    escaped = _OKX_ESCAPED + base64.b32encode(client_order_id.encode()).decode().rstrip("=").lower()
    if len(escaped) > 32:
        raise InvariantError(f"client order id {client_order_id!r} is too long for okx")
    return escaped


def _from_okx(given: str) -> str:
    if _OKX_PLAIN.fullmatch(given):
        return PREFIX + given[3:]
    if given.startswith(_OKX_ESCAPED):
        body = given[len(_OKX_ESCAPED) :].upper()
        try:
            return base64.b32decode(body + "=" * (-len(body) % 8)).decode()
        except (binascii.Error, UnicodeDecodeError):
            return given
    return given


def _kraken(client_order_id: str) -> str:
    if _STANDARD.fullmatch(client_order_id):
        return "f5" + base64.b32decode(client_order_id[len(PREFIX) :].upper()).hex()
    if len(client_order_id) > _KRAKEN_TEXT:
        raise InvariantError(f"client order id {client_order_id!r} is too long for kraken")
    return client_order_id


def _from_kraken(given: str) -> str:
    bare = given.replace("-", "").lower()
    if not _HEX.fullmatch(bare):
        return given
    return PREFIX + base64.b32encode(bytes.fromhex(bare[2:])).decode().lower()


_ENCODERS: dict[str, Callable[[str], str]] = {"okx": _okx, "kraken": _kraken}
_DECODERS: dict[str, Callable[[str], str]] = {"okx": _from_okx, "kraken": _from_kraken}
