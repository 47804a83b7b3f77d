"""A desk that writes a real journal, and whoever follows it."""

from collections.abc import Sequence
from pathlib import Path

from fks_actors.adapters.sql import SqlJournal
from fks_actors.adapters.sql.course import SqlCourse, open_course
from fks_actors.agents.config import AgentsConfig
from fks_actors.backtest.shadows import ShadowPlan, Shadows, shadow_plans
from fks_actors.errors import ConfigError
from fks_actors.model.candles import BarBatch
from fks_actors.model.orders import OrderType, Side
from fks_actors.model.records import EquityPoint, Signal
from fks_actors.reflection.shadows import ShadowsConfig
from fks_actors.settings import Settings
from tests.in_process import Breaker, InProcessDesk, SqlInProcess, run_record

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MINDS = ("short_term", "mid_term", "asmbtr")
OTHER = Settings(agents=AgentsConfig(minds=("short_term", "mid_term")))
WARM = 1_440


def settings_of(*baselines: str, b: bool = False) -> Settings:
    """The desk's settings, with shadows."""
    configs = {"b": "b.yaml"} if b else {}
    shadows = ShadowsConfig(baselines=baselines, configs=configs, block_hours=1 / 60)
    return Settings(agents=AgentsConfig(minds=MINDS), shadows=shadows)


def read(path: str) -> Settings:
    """The other configuration, whatever it is called; a broken one is refused."""
    if "broken" in path:
        raise ConfigError(f"{path}:3: risk.per_trade_pct: must be less than 100")
    return OTHER


class Written:
    """A desk over a journal in a file."""

    def __init__(self, folder: Path, breaker: Breaker | None = None) -> None:
        self.url = f"sqlite:///{folder / 'journal.db'}"
        self.journal = SqlJournal(self.url, lambda: 0)
        self.home = InProcessDesk(
            SYMBOLS, breaker or Breaker(0, 0.0), journal=SqlInProcess(self.journal), agents=AgentsConfig(minds=MINDS)
        )
        self.signals = 0

    async def open(self, run_id: str = "r1") -> None:
        """A start of the desk."""
        await self.home.run(lambda desk: desk.recover())
        record = run_record(SYMBOLS)
        await self.home.run(lambda desk: desk.begin(type(record)(run_id, *list(_fields(record))[1:])))

    async def trade(self, bars: Sequence[BarBatch]) -> None:
        """Decide on bars."""
        for batch in bars:
            await self.home.run(lambda desk, b=batch: desk.run_cycle(b))

    async def learn(self, bars: Sequence[BarBatch]) -> None:
        """Take note of bars."""
        await self.home.run(lambda desk: desk.learn(bars))

    async def alert(self, side: Side = Side.BUY, ts_ms: int = 0) -> None:
        """An alert comes in."""
        self.signals += 1
        name = f"s{self.signals}"
        signal = Signal(name, f"id:{name}", ts_ms, SYMBOLS[0], side, OrderType.MARKET, sizing="fixed_pct")
        await self.home.run(lambda desk: desk.run_signal(self.signals, signal, ts_ms or desk.clock_ms))

    def curve(self) -> list[EquityPoint]:
        """The desk's equity."""
        return self.journal.equity(0, 100_000)


def _fields(record: object) -> Sequence[object]:
    return [getattr(record, name) for name in type(record).__struct_fields__]  # type: ignore[attr-defined]


class Follower:
    """Shadows over the journal, begun at a run."""

    def __init__(
        self, url: str, settings: Settings, run_id: str = "r1", plans: Sequence[ShadowPlan] | None = None
    ) -> None:
        self.course: SqlCourse = open_course(url)
        found = self.course.run_at(run_id)
        assert found is not None
        seq, record = found
        plans = shadow_plans(settings, read) if plans is None else plans
        self.shadows = Shadows(plans, settings.shadows, record, self.course, {p.name: seq for p in plans}, WARM)
        self.course.start(seq)
        self.steps: list[dict[str, str]] = []

    async def follow(self, page: int = 64) -> dict[str, str]:
        """Follow to the journal's end; each one's equity."""
        while taken := self.course.next(page):
            for each in taken:
                await self.shadows.take(each)
                self.steps.append(self.equity())
        return self.equity()

    def equity(self) -> dict[str, str]:
        """Each one's equity, to the last digit."""
        return {name: str(worth.equity) for name, worth in self.shadows.worths().items()}
