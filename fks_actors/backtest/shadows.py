"""All shadows of a desk, fed with its course; their standing against the desk and against each other.

A function of the journal's course alone: whoever begins anew behind the same places gets the same figures. A shadow
that cannot be opened, or that breaks, says why and stops; the others go on.

Begins    a shadow starts from the desk's own equity at the first bar that the desk decided on after its place in the
          journal, knowing the bars before; what it would have done earlier is not told, for it was not there.
Pairs     what an account is worth at a bar's close is compared when the next bar comes: then all that happened at that
          close is booked, on both sides.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as replace_plan
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from fks_actors.agents.config import MINDS
from fks_actors.backtest.contenders import COUNCIL, LABELS, MEASURES, contender
from fks_actors.backtest.council import strategy_source
from fks_actors.backtest.sequential import Difference, PairedTest, verdict
from fks_actors.backtest.shadow import FLAT, HOLD, HOLD_CAPPED, RULES, Shadow, Worth, open_shadow, silent_minds
from fks_actors.errors import ConfigError, FksError, JournalCorrupt, JournalUnavailable
from fks_actors.journal.course import Course, Heard, Taken, Traded, merged_bars
from fks_actors.model.records import RunRecord
from fks_actors.reflection.shadows import DESK, TWIN, ShadowsConfig
from fks_actors.settings import Settings
from fks_actors.strategies.source import Source

_log = logging.getLogger(__name__)
_PLACES = Decimal("0.00000001")
_HOUR_MS = 3_600_000

BASELINE, CONFIG = "baseline", "config"
_LABELS: Mapping[str, str] = {
    FLAT: "cash",
    HOLD: "all the cash, bought once",
    HOLD_CAPPED: "for each symbol what one trade may take, bought once",
}


@dataclass(frozen=True, slots=True)
class ShadowPlan:
    """A shadow to be kept. `kind` is BASELINE, TWIN or CONFIG; `trouble` why it cannot be, else empty. `rule` is one of
    `shadow.RULES`, empty where the settings' minds vote; `sources` are the strategies among them, as they were read."""

    name: str
    label: str
    kind: str
    settings: Settings
    rule: str = ""
    trouble: str = ""
    sources: tuple[Source, ...] = ()


def shadow_plans(settings: Settings, read: Callable[[str], Settings]) -> tuple[ShadowPlan, ...]:
    """The shadows that the settings ask for; `read` opens a configuration, or raises ConfigError."""
    config = settings.shadows
    plans = [_baseline(name, settings) for name in config.baselines]
    if config.configs:
        plans.append(_voiced(ShadowPlan(TWIN, "the desk's own configuration on paper", TWIN, settings)))
    for name, path in config.configs.items():
        plan = ShadowPlan(name, f"configuration {path}", CONFIG, settings)
        try:
            plans.append(_voiced(replace_plan(plan, settings=read(path))))
        except FksError as error:
            plans.append(replace_plan(plan, trouble=f"{path} cannot be used: {error}"))
    return tuple(plans)


def _baseline(name: str, settings: Settings) -> ShadowPlan:
    """A baseline is sized as the desk is: beside a council the textbook strategies vote (`contenders`)."""
    if name in RULES:
        return ShadowPlan(name, _LABELS[name], BASELINE, settings, name)
    if name not in MEASURES:
        known = ", ".join((*RULES, *MEASURES))
        return ShadowPlan(name, name, BASELINE, settings, trouble=f"there is no baseline {name!r}; there are {known}")
    try:
        votes = not contender(COUNCIL, settings).names_targets
        return _voiced(ShadowPlan(name, LABELS[name], BASELINE, contender(name, settings, votes=votes).settings))
    except FksError as error:
        return ShadowPlan(name, LABELS[name], BASELINE, settings, trouble=str(error))


def _voiced(plan: ShadowPlan) -> ShadowPlan:
    """With its strategies as their files read now."""
    names = (agent for agent in plan.settings.agents.minds if agent not in MINDS)
    return replace_plan(plan, sources=tuple(strategy_source(name, plan.settings) for name in names))


@dataclass(slots=True)
class _Kept:
    """A shadow as it stands. `cash` is what it and the desk began with, `close_ms` its last bar's close."""

    plan: ShadowPlan
    after: int
    trouble: str
    tests: dict[str, PairedTest]
    shadow: Shadow | None = None
    cash: Decimal = Decimal(0)
    begin_ms: int = 0
    close_ms: int = 0
    bars: int = 0

    @property
    def follows(self) -> bool:
        return self.shadow is not None and not self.trouble


@dataclass(slots=True)
class Shadows:
    """The shadows of one desk.

    Args:
        plans: which.
        config: how they are compared.
        run: the desk's run: symbols, bar length, first cash.
        course: the journal; only its bars are asked for here.
        after: by name, behind which place of the journal a shadow begins.
        warm: bars a symbol that a shadow learns from when it begins.
    """

    plans: Sequence[ShadowPlan]
    config: ShadowsConfig
    run: RunRecord
    course: Course
    after: Mapping[str, int]
    warm: int
    clock_ms: int = field(init=False, default=0)
    _kept: dict[str, _Kept] = field(init=False)

    def __post_init__(self) -> None:
        self._kept = {p.name: _Kept(p, self.after[p.name], p.trouble, self._tests(p)) for p in self.plans}

    async def take(self, taken: Taken) -> None:
        """Let every shadow follow.

        Raises:
            JournalError: the bars before a shadow's begin cannot be read; this one and all after it were not taken.
        """
        match taken:
            case Traded():
                for kept in self._kept.values():
                    self._compare(kept, taken)
                for kept in self._kept.values():
                    await self._guarded(kept, self._trade, taken)
                self.clock_ms = taken.batch.close_ms
            case Heard():
                for kept in self._kept.values():
                    if kept.follows and kept.plan.kind != BASELINE:
                        await self._guarded(kept, self._hear, taken)

    def rows(self, desk_equity: Decimal | None) -> list[dict[str, Any]]:
        """One row a shadow; `desk_equity` is the desk's at `clock_ms`. Money as decimal text."""
        return [self._row(kept, desk_equity) for kept in self._kept.values()]

    def tests(self) -> list[dict[str, Any]]:
        """What may be said by now of each shadow less the desk, and of each configuration less the twin."""
        return [
            {"name": name, "against": against, **asdict(found), "told": verdict(found, name, _called(against))}
            for name, kept in self._kept.items()
            if kept.shadow or not kept.trouble
            for against, test in kept.tests.items()
            for found in (test.finding(),)
        ]

    def worths(self) -> dict[str, Worth]:
        """What each shadow that follows is worth."""
        return {name: kept.shadow.worth for name, kept in self._kept.items() if kept.shadow and kept.follows}

    @property
    def troubles(self) -> dict[str, str]:
        """Why some do not follow, by name."""
        return {name: kept.trouble for name, kept in self._kept.items() if kept.trouble}

    # --- how ---

    def _tests(self, plan: ShadowPlan) -> dict[str, PairedTest]:
        others = (DESK, TWIN) if plan.kind == CONFIG else (DESK,)
        block_ms = max(int(self.config.block_hours * _HOUR_MS), self.run.interval_ms)
        return {other: PairedTest(block_ms, Difference(self.config.alpha)) for other in others}

    def _compare(self, kept: _Kept, taken: Traded) -> None:
        if kept.shadow is None or not kept.follows or not kept.close_ms:
            return
        twin = self._kept.get(TWIN)
        for against, test in kept.tests.items():
            if against == DESK:
                other = taken.before
            else:
                other = twin.shadow.worth.equity if twin and twin.shadow and twin.follows else None
            if other is not None:
                test.add(kept.close_ms, other, kept.shadow.worth.equity)

    async def _guarded(self, kept: _Kept, step: Callable[..., Any], taken: Taken) -> None:
        if kept.trouble or taken.seq <= kept.after:
            return
        try:
            await step(kept, taken)
        except (JournalUnavailable, JournalCorrupt):
            raise  # not the shadow's fault: whoever follows begins anew
        except Exception as error:  # noqa: BLE001 (one shadow's fault is told, and stops no other)
            said = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
            at = datetime.fromtimestamp(self.clock_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M")
            kept.trouble = (f"stopped after {at} UTC: {said}" if kept.shadow else f"cannot be opened: {said}")[:400]
            _log.warning("shadow %s %s", kept.plan.name, kept.trouble)

    async def _trade(self, kept: _Kept, taken: Traded) -> None:
        if kept.shadow is None:
            await self._open(kept, taken)
        elif taken.learnt:
            await kept.shadow.learn(taken.learnt)
        if kept.shadow is not None:
            await kept.shadow.take(taken.batch)
        kept.close_ms = taken.batch.close_ms
        kept.bars += len(taken.batch.candles)

    async def _open(self, kept: _Kept, taken: Traded) -> None:
        kept.cash = self.run.cash if taken.before is None else taken.before
        kept.begin_ms = taken.batch.ts_ms
        record = replace(self.run, run_id=f"shadow-{kept.plan.name}", cash=kept.cash)
        shadow = await open_shadow(kept.plan.rule, kept.plan.settings, record, kept.plan.sources)
        known = [c for s in self.run.symbols for c in self.course.candles(s, taken.batch.ts_ms, self.warm)]
        await shadow.learn(merged_bars(known, self.run.interval_ms))
        kept.shadow = shadow

    async def _hear(self, kept: _Kept, taken: Heard) -> None:
        if kept.shadow is not None:
            await kept.shadow.hear(taken.seq, taken.signal, taken.ts_ms)

    def _row(self, kept: _Kept, desk_equity: Decimal | None) -> dict[str, Any]:
        plan = kept.plan
        worth = kept.shadow.worth if kept.shadow else None
        gained = worth.equity / kept.cash - 1 if worth else None
        desk = desk_equity / kept.cash - 1 if worth and desk_equity is not None else None
        silent = silent_minds(plan.settings) if plan.kind != BASELINE else ()
        return {
            "name": plan.name,
            "label": plan.label,
            "kind": plan.kind,
            "begin_ms": kept.begin_ms,
            "close_ms": kept.close_ms,
            "bars": kept.bars,
            "cash": str(kept.cash) if worth else None,
            "equity": str(worth.equity) if worth else None,
            "gained": _text(gained),
            "drawdown": _text(worth.drawdown) if worth else None,
            "exposure": str(worth.exposure) if worth else None,
            "orders": worth.orders if worth else 0,
            "fills": worth.fills if worth else 0,
            "fees": str(worth.fees) if worth else None,
            "desk_gained": _text(desk),
            "difference": _text(gained - desk) if gained is not None and desk is not None else None,
            "left_out": list(silent),
            "trouble": kept.trouble,
        }


def _called(against: str) -> str:
    return "the desk" if against == DESK else against


def _text(fraction: Decimal | None) -> str | None:
    return None if fraction is None else f"{fraction.quantize(_PLACES):f}"
