"""RiskState to bytes and back. The same state gives the same bytes; a flat position that never earned is left out.

A snapshot of one account, as it was written before there were several venues, reads as the paper venue's.
"""

from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from fks_actors.errors import JournalCorrupt
from fks_actors.model.account import Account
from fks_actors.risk.messages import RiskState

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_DECODER = msgspec.json.Decoder(RiskState)
_BEFORE = "paper"
"""The venue of a snapshot that names none."""


def encode(state: RiskState) -> bytes:
    """The state as JSON, keys sorted."""
    return _ENCODER.encode(replace(state, accounts={v: _kept(a) for v, a in state.accounts.items()}))


def decode(payload: bytes) -> RiskState:
    """The state that `encode` wrote, now or before there were several venues.

    Raises:
        JournalCorrupt: the bytes are not a risk state.
    """
    try:
        return _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        migrated = _migrated(payload)
        if migrated is None:
            raise JournalCorrupt(f"the risk snapshot cannot be read: {error}") from error
        return migrated


def _kept(account: Account) -> Account:
    kept = {s: p for s, p in account.positions.items() if p.quantity or p.realised}
    return replace(account, positions=kept) if len(kept) < len(account.positions) else account


def _migrated(payload: bytes) -> RiskState | None:
    """A snapshot of one account; None where the bytes are not one."""
    try:
        raw: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
        account = raw.pop("account")
        held = {key: _held(r) for key, r in raw.pop("reservations", {}).items()}
        return msgspec.convert({**raw, "accounts": {_BEFORE: account}, "reservations": held}, RiskState)
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError):
        return None


def _held(before: dict[str, Any]) -> dict[str, Any]:
    """A reservation as it was written then: `base` was what is left to trade, of a BUY too."""
    buys = msgspec.convert(before["quote"], Decimal) > 0
    return {**before, "venue": _BEFORE, "left": before["base"], "base": "0" if buys else before["base"]}
