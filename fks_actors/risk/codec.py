"""RiskState to bytes and back. The same state gives the same bytes; a flat position that never earned is left out."""

from dataclasses import replace

import msgspec

from fks_actors.errors import JournalCorrupt
from fks_actors.risk.messages import RiskState

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_DECODER = msgspec.json.Decoder(RiskState)


def encode(state: RiskState) -> bytes:
    """The state as JSON, keys sorted."""
    positions = state.account.positions
    kept = {s: p for s, p in positions.items() if p.quantity or p.realised}
    if len(kept) < len(positions):
        state = replace(state, account=replace(state.account, positions=kept))
    return _ENCODER.encode(state)


def decode(payload: bytes) -> RiskState:
    """The state that `encode` wrote.

    Raises:
        JournalCorrupt: the bytes are not a risk state.
    """
    try:
        return _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"the risk snapshot cannot be read: {error}") from error
