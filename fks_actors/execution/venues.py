"""Which venues a desk trades at, and how each is reached. Keys never stand here: they come from files or variables."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,23}")
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class BreakerConfig(BaseModel):
    """When a connector stops asking: `failures` in a row open it; after `open_s` one call probes, `probes` good ones
    close it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failures: Annotated[int, Field(ge=1, le=1_000)] = 5
    open_s: Seconds = 10.0
    probes: Annotated[int, Field(ge=1, le=100)] = 2


class VenueConfig(BaseModel):
    """One venue.

    `kind`: the paper venue, or a spot exchange of ccxt. `exchange`: ccxt's id. `base_url`: another server that speaks
    the exchange's API, such as `fks exchange-sim`; `sandbox`: the exchange's own test net. `symbols`: what is routed
    here unless a signal names an exchange; empty for all that no other venue claims. `recv_window_ms`: how long a
    request may be under way before the exchange refuses it, and so after which an order that it does not know was never
    accepted. `resend_within_s`: an order that never arrived is sent again until it is that old, then it expires.
    `reconcile_s`: how often orders, fills and balances are compared. `dead_man_s`: how long the desk may be silent
    before its open orders, protective stops excepted, are cancelled; 0 never. `native`: whether the venue's own stop,
    OCO, trailing and iceberg orders are used where it has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["paper", "ccxt"] = "paper"
    exchange: str = "binance"
    base_url: str = ""
    sandbox: bool = False
    symbols: tuple[str, ...] = ()
    timeout_s: Seconds = 10.0
    recv_window_ms: Annotated[int, Field(ge=100, le=60_000)] = 5_000
    resend_within_s: Annotated[float, Field(ge=0, le=3_600)] = 60.0
    reconcile_s: Seconds = 30.0
    dead_man_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    native: bool = True
    breaker: BreakerConfig = BreakerConfig()

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, given: str) -> str:
        if given and not re.fullmatch(r"https?://[^\s/?#@]+", given):
            raise ValueError("base_url reads http://host:port or https://host, without a path")
        return given


class RoutingConfig(BaseModel):
    """Where an order goes that names no exchange. `default`: the venue for symbols that none claims.

    `best_price`: a market order goes to the venue with the best price after fees among those that trade the symbol and
    hold what it needs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: str = "paper"
    best_price: bool = False


def is_venue_name(name: str) -> bool:
    """Whether `name` can be a venue's: up to 24 of [a-z0-9_], not beginning with an underscore."""
    return _NAME.fullmatch(name) is not None
