"""Which paper portfolios are kept beside the desk, to hold its results against."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DESK, TWIN = "desk", "twin"
"""Names that no configuration of a shadow may take: the desk itself, and its own configuration on paper."""


class ShadowsConfig(BaseModel):
    """`baselines`: rules that any desk must beat. `configs`: other configurations by a short name, each a YAML file
    like the desk's own; wherever there is one, the desk's own configuration runs as `twin` beside it.

    `block_hours`: returns are compared over blocks of that many hours of UTC time. `alpha`: the share of false alarms
    that the comparison may give, over all looks together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    baselines: tuple[str, ...] = ("flat", "buy_and_hold", "sma", "sma_cross", "macd", "bollinger")
    configs: Mapping[str, str] = Field(default={}, max_length=8)
    block_hours: float = Field(default=24.0, gt=0, le=24 * 31)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)

    @field_validator("baselines")
    @classmethod
    def _once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(given)) != len(given):
            raise ValueError("a baseline stands there twice")
        return given

    @model_validator(mode="after")
    def _names(self) -> Self:
        for name in self.configs:
            if not (name.isascii() and name.isidentifier() and name == name.lower() and len(name) <= 24):
                raise ValueError(f"configs: {name!r} is no name; use up to 24 of a-z, 0-9 and _")
            if name in (DESK, TWIN, *self.baselines):
                raise ValueError(f"configs: {name!r} is taken; choose another name")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not self.baselines and not self.configs
