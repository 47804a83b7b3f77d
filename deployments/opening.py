"""What a replica is built from, and the parts that it opens. Plain Python: Serve is not imported here."""

import os
import time
import uuid
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from deployments.gateway import Gateway
from deployments.job_routes import NoJobs
from fks_actors.actors.jobs.told import JobsTold
from fks_actors.errors import ConfigError
from fks_actors.telemetry import Telemetry
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.limits import Rate, RateLimiter
from fks_actors.webhook.symbols import Listing


class VenueArgs(BaseModel):
    """One venue that an alert may name: `exchange` is ccxt's id of it, `ids` its own spot markets, id -> BASE/QUOTE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exchange: str = ""
    ids: dict[str, str] = Field(default_factory=dict)


class EdgeArgs(BaseModel):
    """What a replica is built from; it may run on any node, so files must lie where every node has them.

    `webhook` is WebhookConfig without its secret, which comes from `secret_file` or, without one, from the environment
    variable `secret_env`; `token_file` and `token_env` likewise for the query API. `venues` are the desk's, by name;
    `redis_url` is where replicas share their rate limits, empty for nowhere; `jobs` is what the jobs' actor is told,
    None for no jobs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    journal_url: str
    inbox_url: str
    namespace: str
    symbols: tuple[str, ...] = Field(min_length=1)
    webhook: dict[str, Any] = Field(default_factory=dict)
    secret_file: str = ""
    secret_env: str = "FKS_WEBHOOK_SECRET"  # noqa: S105 (a variable's name)
    token_file: str = ""
    token_env: str = "FKS_API_TOKEN"  # noqa: S105 (a variable's name)
    mode: str = "paper"
    venues: dict[str, VenueArgs] = Field(default_factory=dict)
    redis_url: str = Field(default="", repr=False)
    jobs: JobsTold | None = Field(default=None, repr=False)
    replicas: int = Field(default=2, ge=1, le=64)


def edge_args(args: dict[str, Any]) -> EdgeArgs:
    """`args`, checked.

    Raises:
        ConfigError: an argument is missing, unknown or out of range.
    """
    try:
        return EdgeArgs.model_validate(args)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(f"gateway argument {place}: {fault['msg']}") from None


def open_gateway(args: EdgeArgs) -> Gateway:
    """The parts of a replica, opened. What they import stays out of the process that only deploys."""
    from fks_actors import __version__
    from fks_actors.actors.handles import DeskHandle
    from fks_actors.actors.jobs.handle import JobsHandle
    from fks_actors.adapters.sql import SqlInbox, open_reader
    from fks_actors.risk.codec import decode

    config = _webhook_config(args)
    token = _secret(args.token_file, args.token_env)
    if token is None:
        raise ConfigError(f"the query API has no token: set {args.token_env} or name a token file")
    telemetry = Telemetry(f"gateway-{uuid.uuid4().hex[:12]}")
    return Gateway(
        inbox=SqlInbox(args.inbox_url, config.replay_window_s * 1000, _now_ms),
        reader=open_reader(args.journal_url),
        desk=DeskHandle(args.namespace),
        jobs=JobsHandle(args.jobs) if args.jobs else NoJobs(),
        upload_mb=args.jobs.config.upload_mb if args.jobs else 1,
        decode=decode,
        token=token,
        webhook=config,
        symbols=args.symbols,
        now_ms=_now_ms,
        version=__version__,
        mode=args.mode,
        venues=tuple(Listing(name, venue.exchange, venue.ids) for name, venue in args.venues.items()),
        limiter=_shared_limiter(args, config, telemetry),
        telemetry=telemetry,
    )


def _shared_limiter(args: EdgeArgs, config: WebhookConfig, telemetry: Telemetry) -> RateLimiter | None:
    if not args.redis_url:
        return None
    from fks_actors.adapters.limits_store import MemoryLimiter, RedisLimiter

    rate = Rate(config.rate_limit_per_minute, config.burst)
    degraded = telemetry.gauge("fks_rate_limit_degraded")
    return RedisLimiter(rate, args.redis_url, f"fks:{args.namespace}", MemoryLimiter(rate), degraded.set)


def _webhook_config(args: EdgeArgs) -> WebhookConfig:
    if args.webhook.get("secret") is not None:
        raise ConfigError("gateway argument webhook.secret: secrets come from secret_file or the environment only")
    given = {name: value for name, value in args.webhook.items() if name != "secret"}
    try:
        return WebhookConfig.model_validate({**given, "secret": _secret(args.secret_file, args.secret_env)})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(f"gateway argument webhook.{place}: {fault['msg']}") from None


def _secret(path: str, variable: str) -> SecretStr | None:
    """The stripped text of the file, else of the environment variable; None where neither has one."""
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}); it should hold a secret") from None
        if not text:
            raise ConfigError(f"{path}: is empty; it should hold a secret")
        return SecretStr(text)
    text = os.environ.get(variable, "").strip()
    return SecretStr(text) if text else None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
