"""What `fks up` settles before anything is started: settings, feed, journal, port. Every user's mistake ends here."""

import asyncio
import os
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from fks_actors import __version__
from fks_actors.actors.model_keys import keys_under
from fks_actors.actors.wiring import Wiring
from fks_actors.adapters.feeds.config import FeedConfig, LiveSpec, ReplaySpec, parse_spec
from fks_actors.adapters.feeds.factory import open_feed
from fks_actors.adapters.feeds.port import FeedInfo, FeedKind
from fks_actors.adapters.llm.providers import check_providers
from fks_actors.adapters.sql import SqlJournal, open_reader
from fks_actors.backtest.recorded_settings import with_settings
from fks_actors.cli.journals import journal_urls, set_aside
from fks_actors.cli.venues import LIVE, PAPER, SIMULATOR, check_venues, mode_of_venue, settle_venues
from fks_actors.errors import ConfigError, JournalCorrupt, JournalUnavailable
from fks_actors.home import Home
from fks_actors.model.records import RunRecord
from fks_actors.settings import Settings, without_password

_MIN_FREE_BYTES = 200 * 1024**2


@dataclass(frozen=True, slots=True)
class Plan:
    """A desk that can be started."""

    wiring: Wiring
    info: FeedInfo
    settings: Settings
    set_aside: Path | None
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def check(home: Home, settings: Settings, fresh: bool) -> None:
    """What can be told without asking anybody, so that a mistake ends before anything is started.

    Raises:
        FksError: with what to do about it.
    """
    free = shutil.disk_usage(home.root).free
    if free < _MIN_FREE_BYTES:
        raise JournalUnavailable(
            f"only {free // 1024**2} MiB are free for {home.root}, {_MIN_FREE_BYTES // 1024**2} are needed; "
            "free some, or set FKS_HOME to another disk"
        )
    check_venues(home, settings)
    check_providers(settings.llm, keys_under(home.root))
    if fresh and settings.journal.url:
        raise ConfigError("--new sets aside a journal under FKS_HOME; for another, let journal.url name an empty one")
    if settings.journal.url or (not fresh and isinstance(parse_spec(settings.feed.spec), LiveSpec)):
        _last_run(journal_urls(home, settings, _slug_spec(settings.feed, settings))[0])


def settle(home: Home, settings: Settings, fresh: bool) -> Plan:
    """Check everything that a user can get wrong, and decide what runs.

    Args:
        home: where the state lives.
        settings: what was asked for.
        fresh: set a journal of the same feed aside and start with new cash.

    Raises:
        FksError: with what to do about it.
    """
    check(home, settings, fresh)
    info, feed = asyncio.run(_settled_feed(settings.feed))
    venues = asyncio.run(settle_venues(home, settings, info))
    slug = _slug_spec(feed, settings)
    aside = set_aside(home, slug) if fresh else None
    journal_url, inbox_url = journal_urls(home, settings, slug)
    before = _last_run(journal_url)
    feed = _continued(feed, info, before)
    run = RunRecord(
        run_id=uuid.uuid4().hex[:12],
        ts_ms=_now_ms(),
        feed=feed.spec,
        simulated=info.simulated,
        symbols=info.symbols,
        interval_ms=info.interval_ms,
        cash=before.cash if before else sum(venues.cash.values(), Decimal(0)),
        version=__version__,
        feed_start_ms=feed.start_ms or 0,
        seed=feed.seed if info.kind is FeedKind.SIMULATED else 0,
        note=info.reason,
        venues=tuple(settings.venues),
    )
    _refuse_other_run(before, run, journal_url)
    cash = {PAPER: before.cash} if before and set(venues.cash) == {PAPER} else venues.cash
    wiring = Wiring(
        home.namespace,
        settings.model_copy(update={"feed": feed}),
        with_settings(run, settings, venues.plans, cash),
        journal_url,
        inbox_url,
        venues.plans,
        cash,
        venues.keys,
        str(home.root),
    )
    return Plan(wiring, info, wiring.settings, aside, venues.ids)


async def _settled_feed(config: FeedConfig) -> tuple[FeedInfo, FeedConfig]:
    """Open the feed once, so that a bad file or a silent exchange shows now; `auto` becomes what it found."""
    config = config.model_copy(update={"spec": _absolute(config.spec)})
    feed = await open_feed(config)
    try:
        info = feed.describe()
    finally:
        await feed.close()
    return info, config.model_copy(update={"spec": found_spec(config.spec, info)})


def found_spec(asked: str, info: FeedInfo) -> str:
    """The spec that opens the same feed again: what `auto` found, the recordings by absolute path."""
    if info.kind is FeedKind.SIMULATED:
        return "simulated"
    return info.name if info.kind is FeedKind.LIVE else asked


def _absolute(spec: str) -> str:
    """The recordings by absolute path: the actor that reads them works in another folder."""
    parsed = parse_spec(spec)
    if not isinstance(parsed, ReplaySpec):
        return spec
    files = [(symbol, os.path.abspath(os.path.expanduser(path))) for symbol, path in parsed.files]
    return "replay:" + ",".join(f"{symbol}={path}" if symbol else path for symbol, path in files)


def _slug_spec(feed: FeedConfig, settings: Settings) -> str:
    """What a journal is called by: its feed, and the venues where others than paper trade. What a simulator told or
    filled never comes into the journal of the exchange that it plays."""
    name = f"simulated-{feed.seed}" if feed.spec == "simulated" else feed.spec
    if isinstance(parse_spec(feed.spec), LiveSpec) and feed.base_url:
        name += f"-{SIMULATOR}"
    modes = {venue: mode_of_venue(config) for venue, config in settings.venues.items() if config.kind != "paper"}
    real = [venue if mode == LIVE else f"{venue}-{mode}" for venue, mode in modes.items()]
    return f"{name}-at-{'-'.join(real)}" if real else name


def _continued(feed: FeedConfig, info: FeedInfo, before: RunRecord | None) -> FeedConfig:
    """A simulated market goes on where its journal ends: it starts at the same instant as at first."""
    if info.kind is not FeedKind.SIMULATED or feed.start_ms is not None:
        return feed
    start = before.feed_start_ms if before else _now_ms() // info.interval_ms * info.interval_ms
    return feed.model_copy(update={"start_ms": start})


def _last_run(journal_url: str) -> RunRecord | None:
    """The last run in the journal; opening it makes it, migrates it, and shows whether it is sound."""
    try:
        journal = SqlJournal(journal_url, _now_ms)
    except JournalCorrupt as error:
        raise JournalCorrupt(f"{error}; nothing of it was changed, `fks up --new` sets it aside") from None
    journal.close()
    reader = open_reader(journal_url)
    try:
        return reader.last_run()
    finally:
        reader.close()


def _refuse_other_run(before: RunRecord | None, run: RunRecord, journal_url: str) -> None:
    if before is None:
        return
    differs = [
        f"{what} {old} there, {new} now"
        for what, old, new in (
            ("feed", before.feed, run.feed),
            ("prices", *("simulated" if each.simulated else "recorded or live" for each in (before, run))),
            ("venues", ", ".join(before.venues or (PAPER,)), ", ".join(run.venues)),
            ("bars", f"of {before.interval_ms / 1_000:g} s", f"of {run.interval_ms / 1_000:g} s"),
            (
                "symbols",
                ", ".join(before.symbols),
                ", ".join((run if run.simulated else before).symbols),
            ),
        )
        if old != new
    ]
    if differs:
        raise ConfigError(
            f"the journal {without_password(journal_url)} was written by another run ({'; '.join(differs)}); "
            "`fks up --new` sets one under FKS_HOME aside and starts afresh"
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
