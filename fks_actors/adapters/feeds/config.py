"""Where the bars come from: the room's configuration, and the meaning of `--feed`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fks_actors.adapters.feeds.symbols import symbol_of
from fks_actors.errors import ConfigError

TIMEFRAMES = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
}
SPELLINGS = "replay:FILE[,FILE...], live:EXCHANGE, simulated or auto"

Speed = Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["max"]


class FeedConfig(BaseModel):
    """What `--feed` and its companions say.

    `spec` is one of replay:FILE[,SYMBOL=FILE...], live:EXCHANGE, simulated, auto. `symbols` and `timeframe` are for the
    live and the simulated market; a recording brings its own. `speed` is the bars' time by real time; None is the
    feed's own: live 1, simulated 60, replay as fast as it is asked ("max"). `seed` and `start_ms` (the first bar's
    open, UTC ms) fix the simulated market; `history_bars` a symbol come before trading; `exchange` and
    `answer_within_s` are what `auto` tries first, and for how long. `base_url`: another server that speaks a live
    exchange's API, such as `fks exchange-sim`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: str = "auto"
    symbols: tuple[str, ...] = Field(("BTC/USDT", "ETH/USDT"), min_length=1)
    timeframe: str = "1m"
    speed: Speed | None = None
    seed: int = Field(7, ge=0, lt=2**63)
    start_ms: int | None = Field(None, ge=0, lt=4_102_444_800_000)
    history_bars: int = Field(1_440, ge=0, le=100_000)
    exchange: str = "binance"
    answer_within_s: float = Field(5.0, gt=0, le=60)
    base_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#@]+)?$")] = ""

    @field_validator("symbols")
    @classmethod
    def _symbols(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        known = tuple(symbol_of(s) or "" for s in given)
        for name, symbol in zip(given, known, strict=True):
            if not symbol:
                raise ValueError(f"{name!r} is no symbol; write BASE/QUOTE, such as BTC/USDT")
        if len(set(known)) != len(known):
            raise ValueError(f"a symbol is named twice in {', '.join(given)}")
        return known

    @field_validator("timeframe")
    @classmethod
    def _timeframe(cls, given: str) -> str:
        if given not in TIMEFRAMES:
            raise ValueError(f"timeframe {given!r} is not one of {', '.join(TIMEFRAMES)}")
        return given

    @field_validator("spec")
    @classmethod
    def _spec(cls, given: str) -> str:
        try:
            parse_spec(given)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return given

    @property
    def interval_ms(self) -> int:
        """The timeframe in milliseconds."""
        return TIMEFRAMES[self.timeframe]

    def speed_or(self, default: float | None) -> float | None:
        """The speed as a number, None for "max", `default` where none was given."""
        if self.speed is None:
            return default
        return None if self.speed == "max" else float(self.speed)


@dataclass(frozen=True, slots=True)
class ReplaySpec:
    """Recordings: (symbol, or None where the file's name tells it; path)."""

    files: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True, slots=True)
class LiveSpec:
    """Public candles of one exchange, by its ccxt id."""

    exchange: str


@dataclass(frozen=True, slots=True)
class SimulatedSpec:
    """The simulated market."""


@dataclass(frozen=True, slots=True)
class AutoSpec:
    """Live where the exchange answers, else simulated."""


Spec = ReplaySpec | LiveSpec | SimulatedSpec | AutoSpec


def parse_spec(text: str) -> Spec:
    """What `--feed TEXT` asks for.

    Raises:
        ConfigError: it is none of the four spellings.
    """
    kind, colon, rest = text.strip().partition(":")
    kind, rest = kind.lower(), rest.strip()
    if kind == "replay":
        return ReplaySpec(tuple(_file(part, text) for part in rest.split(",")))
    if kind == "live":
        if not rest:
            raise ConfigError(f"feed {text!r} names no exchange; write live:EXCHANGE, such as live:binance")
        return LiveSpec(rest.lower())
    if kind in ("simulated", "auto"):
        if colon:
            raise ConfigError(f"feed {text!r}: {kind} takes nothing after it")
        return SimulatedSpec() if kind == "simulated" else AutoSpec()
    raise ConfigError(f"feed {text!r} is unknown; write {SPELLINGS}")


def _file(part: str, text: str) -> tuple[str | None, str]:
    name, equals, path = part.partition("=")
    symbol = symbol_of(name) if equals else None
    chosen = path.strip() if symbol else part.strip()
    if not chosen:
        raise ConfigError(f"feed {text!r} names no file; write replay:FILE[,FILE...] or replay:BTC/USDT=FILE")
    return symbol, chosen
