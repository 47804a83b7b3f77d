"""A schema as one text: the same for equal schemas, whatever the order of their keys."""

import json
from collections.abc import Mapping
from typing import Any


def schema_text(schema: Mapping[str, Any]) -> str:
    """Canonical JSON, ASCII only."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), allow_nan=False, default=dict)
