"""The same work by this package: `ours.py KIND BARS.csv`, run as a module of the repository.

event     `examples/ema_cross.py` through the desk, risk and the paper venue, the data gate as by default
council   the default minds that need nothing but bars, under the default limits and costs
four      three specialists and ASMBTR, otherwise the same
sweep     100 sets of the crossover, (20, 50) among them; bars count once for each set
start     from the start of the process `fks backtest` to its first bar
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.bench.peers.measured import CASH, FAST, FEE, SLOW, tell

ROOT = Path(__file__).parents[3]
FOUR = ("short_term", "mid_term", "long_term", "asmbtr")
STEP = Decimal("0.00000001")


def all_in() -> "object":
    """Limits that let all equity trade, and the work's costs."""
    from fks_actors.execution.config import PaperConfig
    from fks_actors.risk.config import RiskConfig
    from fks_actors.settings import DeskSection, Settings

    return Settings(
        desk=DeskSection(cash=Decimal(int(CASH))),
        risk=RiskConfig(
            per_trade_pct=Decimal(100),
            max_gross_exposure_pct=Decimal(100),
            reservation_buffer_pct=Decimal("0.1"),
            max_daily_loss_pct=Decimal(100),
            drawdown_reducing_pct=Decimal("99.9999"),
            drawdown_halt_pct=Decimal(100),
        ),
        paper=PaperConfig(
            taker_fee_bps=Decimal(10),
            slippage_bps=Decimal(0),
            range_share=Decimal(0),
            participation_pct=None,
            step=STEP,
            min_quantity=STEP,
        ),
    )


def event(path: str) -> None:
    from fks_actors.backtest.council import alone

    _ran(path, alone(all_in(), str(ROOT / "examples" / "ema_cross.py")))


def council(path: str) -> None:
    from fks_actors.settings import Settings

    _ran(path, Settings())


def four(path: str) -> None:
    from fks_actors.agents.config import AgentsConfig
    from fks_actors.settings import Settings

    _ran(path, Settings(agents=AgentsConfig(minds=FOUR)))


def _ran(path: str, settings: "object") -> None:
    from fks_actors.backtest.past import read_past
    from fks_actors.backtest.run import run_past
    from fks_actors.model.orders import Side

    past = asyncio.run(read_past([f"BTC/USDT={path}"]))
    begin, spent = time.perf_counter(), time.process_time()
    result = asyncio.run(run_past(settings, past))
    final = float(result.final)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - spent
    trips = sum(fill.side is Side.SELL for fill in result.fills)
    tell(past.count, seconds, cpu, trips, final)


def sweep(path: str) -> None:
    from fks_actors.adapters.feeds.files import read
    from fks_actors.backtest.sweep import Costs
    from fks_actors.backtest.sweep import sweep as swept

    columns = read(path).columns
    grid = {"fast": range(FAST - 9, FAST + 1), "slow": range(SLOW, SLOW + 10)}
    swept(columns, "ema_cross", {"fast": [FAST], "slow": [SLOW]}, Costs(FEE), CASH)
    begin, spent = time.perf_counter(), time.process_time()
    found = swept(columns, "ema_cross", grid, Costs(FEE), CASH)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - spent
    (place,) = [at for at, values in enumerate(found.sets.tolist()) if values == [FAST, SLOW]]
    tell(found.tried * found.bars, seconds, cpu, int(found.trips[place]), float(found.final[place]))


_STARTED = """
import os, sys, time
from fks_actors.desk.desk import Desk
begin = Desk.begin
async def began(self, record):
    await begin(self, record)
    os.write(1, repr(time.time()).encode())
    os._exit(0)
Desk.begin = began
from fks_actors.cli.main import main
sys.argv = ["fks", "backtest", "--data", sys.argv[1], "--json"]
main()
"""


def start(path: str) -> None:
    begin = time.time()
    ran = subprocess.run(
        [sys.executable, "-c", _STARTED, f"BTC/USDT={path}"], cwd=ROOT, capture_output=True, check=True, env=os.environ
    )
    seconds = float(ran.stdout) - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    tell(0, seconds, used.ru_utime + used.ru_stime, 0, 0.0)


KINDS: dict[str, Callable[[str], None]] = {
    "event": event,
    "council": council,
    "four": four,
    "sweep": sweep,
    "start": start,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](sys.argv[2])
