"""What a job is, as it travels (JSON): to the API, into its folder, to the process that does it.

Here only the shape is checked; `asked.accepted` checks the sense, where the settings and the recordings are.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}"
_NAME = re.compile(rf"{_PART}(/{_PART}){{0,3}}")
_FILE = re.compile(_PART)
_EARLY_MS, _LATE_MS = 0, 10**14
Instant = Annotated[int, Field(ge=_EARLY_MS, le=_LATE_MS)]
Word = Annotated[str, Field(max_length=64)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSource(_Told):
    """One symbol's bars: a recording on the desk's side by its `name` below FKS_HOME/data, such as
    `binance/BTC-USDT-1h.parquet`; or, with `content` (base64), an uploaded file (CSV, CSV.gz, Parquet) of that name.

    `symbol` where the name does not tell it.
    """

    name: str = Field(min_length=1, max_length=256)
    symbol: str = Field(default="", max_length=32, pattern=r"^([A-Za-z0-9]{1,15}/[A-Za-z0-9]{1,15})?$")
    content: str | None = Field(default=None, repr=False)

    @field_validator("name")
    @classmethod
    def _below(cls, given: str) -> str:
        if not _NAME.fullmatch(given):
            raise ValueError("name a recording below FKS_HOME/data by letters, digits, _ . + - and up to three /")
        return given


class StrategySource(_Told):
    """A strategy's file: its bare name and its text. Settings and `strategy` name it, as FILE.py or FILE.py:CLASS."""

    file: str = Field(min_length=4, max_length=128)
    text: str = Field(max_length=1_000_000, repr=False)

    @field_validator("file")
    @classmethod
    def _python(cls, given: str) -> str:
        if not _FILE.fullmatch(given) or not given.endswith(".py"):
            raise ValueError("name a Python file, without a folder: letters, digits, _ . + - and .py")
        return given


class SearchTold(_Told):
    """What an optimisation tries. `space` as the file of `fks optimize --space` has it: by key `{"low": 1, "high": 9}`
    (`step`, `log`, `int`) or a list of choices."""

    space: dict[Annotated[str, Field(max_length=128)], dict[str, Any] | list[Any]] = Field(min_length=1, max_length=32)
    objectives: tuple[Word, ...] = Field(default=("sharpe",), min_length=1, max_length=4)
    cv: str = Field(default="walk-forward:5", max_length=64)
    trials: int = Field(default=50, ge=1, le=100_000)
    sampler: Word = "tpe"
    pruner: Word = "none"


class SweepTold(_Told):
    """What a sweep tries: a rule of `sweep.RULES`, and by parameter the values. The `top` sets are told."""

    rule: Word
    grid: dict[Word, list[float]] = Field(min_length=1, max_length=8)
    votes: bool = False
    top: int = Field(default=50, ge=1, le=1_000)


class JobSpec(_Told):
    """A backtest, an optimisation (with `search`) or a sweep (with `sweep`).

    `settings` is a tree as a config file has it, None for the desk's own. `strategy`: who trades, as
    `fks backtest --strategy`; the council without one. `since_ms` to before `until_ms` is traded, `warm` bars before
    are learnt from. `baselines` are those beside flat and buy and hold, None for all. Repeating a request with the same
    `id` submits nothing more.
    """

    kind: Literal["backtest", "optimize", "sweep"] = "backtest"
    data: tuple[DataSource, ...] = Field(min_length=1, max_length=64)
    settings: dict[str, Any] | None = None
    strategy: str = Field(default="", max_length=200)
    sources: tuple[StrategySource, ...] = Field(default=(), max_length=16)
    since_ms: Instant | None = None
    until_ms: Instant | None = None
    warm: int = Field(default=5_000, ge=0, le=1_000_000)
    seed: int = Field(default=7, ge=0, le=2**32 - 1)
    baselines: tuple[Word, ...] | None = None
    lag: bool = False
    check_lookahead: bool = False
    search: SearchTold | None = None
    sweep: SweepTold | None = None
    label: str = Field(default="", max_length=100)
    id: str = Field(default="", max_length=64)

    @field_validator("label", "strategy", "id")
    @classmethod
    def _shown(cls, given: str) -> str:
        if not given.isprintable():
            raise ValueError("holds characters that cannot be shown")
        return given

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        for kind, told in (("optimize", self.search), ("sweep", self.sweep)):
            name = "search" if kind == "optimize" else "sweep"
            if (told is not None) != (self.kind == kind):
                raise ValueError(f"{name} belongs to kind {kind}, which needs it")
        if self.since_ms is not None and self.until_ms is not None and self.since_ms >= self.until_ms:
            raise ValueError("since_ms is not before until_ms")
        if len({each.file for each in self.sources}) != len(self.sources):
            raise ValueError("two sources have the same file name")
        return self

    def without_content(self) -> "JobSpec":
        """The same without what was uploaded: that lies in files of its own."""
        data = tuple(each.model_copy(update={"content": None}) for each in self.data)
        return self.model_copy(update={"data": data})
