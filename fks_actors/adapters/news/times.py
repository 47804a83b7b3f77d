"""The time that a source states: ISO 8601 (UTC where it says no zone), or an epoch in seconds or milliseconds."""

import re
from datetime import UTC, datetime

_FIRST_MS = 1_000_000_000_000
_LAST_MS = 4_102_444_800_000
_EPOCH = re.compile(r"[0-9]{10}(?:[0-9]{3})?")


def read_ms(stated: object) -> int | None:
    """UTC milliseconds; None where it says no time between 2001 and 2100."""
    found: float | None = None
    if isinstance(stated, str) and _EPOCH.fullmatch(stated):
        stated = int(stated)
    if isinstance(stated, str) and len(stated) <= 40:
        try:
            parsed = datetime.fromisoformat(stated.strip())
        except ValueError:
            return None
        aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
        found = aware.timestamp() * 1_000
    elif isinstance(stated, int | float) and not isinstance(stated, bool):
        found = stated if abs(stated) >= _FIRST_MS / 10 else stated * 1_000
    return round(found) if found is not None and _FIRST_MS <= found <= _LAST_MS else None
