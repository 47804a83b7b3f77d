"""How many bars each horizon remembers, a symbol. Frozen; unknown keys are refused."""

from pydantic import BaseModel, ConfigDict, Field


class MemoryConfig(BaseModel):
    """Ring capacities in bars; `mid` is also what ASMBTR is made anew from. A bar takes 96 bytes (two
    mirrored copies of six 8-byte columns)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    short: int = Field(default=60, ge=1, le=1_000_000)
    mid: int = Field(default=10_000, ge=1, le=1_000_000)
    long: int = Field(default=50_000, ge=1, le=1_000_000)
