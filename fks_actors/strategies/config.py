"""What the settings say of a strategy. Frozen; unknown keys are refused."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")

RESERVED = frozenset({"journal", "risk", "coordinator", "feed", "telemetry", "models", "sentiment", "shadows", "jobs"})
"""Names that other parts of a desk have."""


def is_strategy_name(name: str) -> bool:
    """Whether a strategy may be called so: up to 32 of a-z, 0-9 and _, and no other part's name."""
    return bool(_NAME.fullmatch(name)) and name not in RESERVED


class StrategyConfig(BaseModel):
    """Where a strategy is found, and what it is built with.

    `path` is FILE.py or FILE.py:CLASS, relative to the folder that the command runs in. Without it, the strategy is an
    installed one: the entry point `entry_point` (where that is not given, the strategy's own name) of the group
    `fks_actors.strategies`. `params` are the constructor's arguments. `memory_bars`: how many bars it is shown again
    where it must be rebuilt without a snapshot (None: what its class says, or 5,000). `bar_limit_s`: how long it may
    think on one bar.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: str = ""
    entry_point: str = ""
    params: Mapping[str, Any] = {}
    memory_bars: int | None = Field(default=None, ge=1, le=1_000_000)
    bar_limit_s: float = Field(default=5.0, ge=0.01, le=3_600)

    @model_validator(mode="after")
    def _one_place(self) -> "StrategyConfig":
        if self.path and self.entry_point:
            raise ValueError("path and entry_point exclude each other")
        return self
