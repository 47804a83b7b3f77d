"""Where headlines come from. Frozen; unknown keys are refused."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Kind = Literal["cryptopanic", "newsapi", "rss", "file"]
Base = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]
Keyword = Annotated[str, Field(min_length=1, max_length=60)]

_NAME = re.compile(r"(?=.{1,24}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s#]*)?")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_DAY_QUOTA: Mapping[str, int] = {"newsapi": 100, "cryptopanic": 100}
_POLL_S: Mapping[str, float] = {"newsapi": 900.0, "cryptopanic": 900.0}
_URLS: Mapping[str, str] = {
    "cryptopanic": "https://cryptopanic.com/api/developer/v2/posts/",
    "newsapi": "https://newsapi.org/v2/everything",
}


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NewsSourceConfig(_Config):
    """One source.

    `url` is needed for an RSS or Atom feed and has a default for the two APIs; `path` (absolute, or beginning with ~)
    is that of a file. `weight`: what its headlines count, 0 to 1. `poll_s`: how often it is asked; 0 for the kind's own
    (900 for the two APIs, 300 else). `requests_per_minute` and `requests_per_day` are never exceeded; a daily 0 is the
    kind's own (100 for the two APIs, none else). `symbols`: base currencies that the source is asked for, or that it is
    about where a headline names none; `keywords`: what NewsAPI searches for, or what an RSS or file title must hold one
    of. The key stands in the variable `key_env` (default FKS_NEWS_<NAME>_KEY) or in `key_file`, mode 0600.
    """

    kind: Kind
    url: str = ""
    path: str = ""
    weight: float = Field(default=1.0, ge=0, le=1)
    poll_s: float = Field(default=0.0, ge=0, le=86_400)
    requests_per_minute: int = Field(default=6, ge=1, le=600)
    requests_per_day: int = Field(default=0, ge=0, le=1_000_000)
    symbols: tuple[Base, ...] = Field(default=(), max_length=50)
    keywords: tuple[Keyword, ...] = Field(default=(), max_length=50)
    key_env: str = ""
    key_file: str = ""

    @field_validator("url")
    @classmethod
    def _fetchable(cls, given: str) -> str:
        if given and not _URL.fullmatch(given):
            raise ValueError("a source's URL reads http://... or https://... and holds no user and no password")
        return given

    @field_validator("key_env")
    @classmethod
    def _variable(cls, given: str) -> str:
        if given and not _VARIABLE.fullmatch(given):
            raise ValueError("key_env names a variable of the environment, in capitals; the key itself stands there")
        return given

    @field_validator("path", "key_file")
    @classmethod
    def _absolute(cls, given: str) -> str:
        if given and not given.startswith(("/", "~")):
            raise ValueError("a path is absolute or begins with ~: actors run in folders of their own")
        return given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "rss" and not self.url:
            raise ValueError("url: an RSS source needs one")
        if self.kind == "file" and not self.path:
            raise ValueError("path: a file source needs one")
        if 0 < self.poll_s < 5:
            raise ValueError("poll_s: at least 5 seconds, or 0 for the kind's own")
        return self

    @property
    def address(self) -> str:
        """The URL in effect."""
        return self.url or _URLS.get(self.kind, "")

    @property
    def every_s(self) -> float:
        """The time between two polls in effect, seconds."""
        return self.poll_s or _POLL_S.get(self.kind, 300.0)

    @property
    def day_quota(self) -> int:
        """The requests a day in effect; 0 for no such limit."""
        return self.requests_per_day or _DAY_QUOTA.get(self.kind, 0)


class NewsConfig(_Config):
    """`sources` by name; none by default: nothing is fetched.

    `cache_ttl_s`: for how long scores, and what was fetched, are kept, in Redis where redis.url is set. A request takes
    at most `timeout_s`, a body at most `max_body_kb`. `max_file_rows`: a file's rows beyond are not read.
    """

    sources: Mapping[str, NewsSourceConfig] = Field(default_factory=dict, max_length=32)
    cache_ttl_s: float = Field(default=300.0, ge=1, le=86_400)
    timeout_s: float = Field(default=10.0, gt=0, le=120)
    max_body_kb: int = Field(default=2_048, ge=1, le=65_536)
    max_file_rows: int = Field(default=500_000, ge=1, le=10_000_000)

    @field_validator("sources")
    @classmethod
    def _named(cls, given: Mapping[str, NewsSourceConfig]) -> Mapping[str, NewsSourceConfig]:
        for name in given:
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no name; use up to 24 of a-z, 0-9 and single _ between them, a letter first"
                )
        return given
