"""`make bench-peers`: the same work by other backtesters, each in an environment of its own, beside this one.

The work: EMA(20) over EMA(50) of the close, flat or long with all equity, 0.1 % fee, filled at the next bar's open,
over one-minute bars of a geometric random walk (seed 7). All 500,000 bars make 5,011 closed round trips and leave
58,787,860.48 of 1e12; whoever makes others is told so. Figures are medians of `--repeat` fresh processes, one at a
time: the run with its indicators, without imports and without reading the bars. `cpu` is the same by processor time,
which a busy machine disturbs less; `times` is how many times as fast by it the event-driven run is. MiB is the
process's peak, packages included.

What cannot be installed or run is listed with the reason; the rest is measured all the same.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.bench.peers.walk import written

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ALL_BARS = 500_000
WORK = {"trips": 5_011, "final": 58_787_860.48}
OURS = {
    "fks event": "event",
    "fks council": "council",
    "fks specialists + asmbtr": "four",
    "fks sweep": "sweep",
    "fks start": "start",
}
PEERS = ("backtesting", "nautilus", "freqtrade", "backtrader", "vectorbt")
LIMITS = {"python loop": "loop", "numba kernel": "kernel"}
OTHER_WORK = frozenset({"fks council", "fks specialists + asmbtr", "fks start"})
"""Those that do other work, so that their round trips are not the crossover's."""

_SLOW = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class Row:
    """What one of them took: medians. `why` it could not be measured, or what is different about it."""

    name: str
    bars: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    trips: int = 0
    final: float = 0.0
    mib: float = 0.0
    why: str = ""

    @property
    def rate(self) -> float:
        """Bars a second."""
        return self.bars / self.seconds if self.bars else 0.0

    @property
    def cpu_rate(self) -> float:
        """Bars a second of processor time."""
        return self.bars / self.cpu if self.bars and self.cpu else 0.0


class Failed(Exception):
    """A peer could not be installed or run; the text says why."""


def main() -> None:
    """Measure, and print one table."""
    told = _arguments()
    cache = Path(told.cache)
    cache.mkdir(parents=True, exist_ok=True)
    table, recording = written(cache, told.bars)
    names = told.only.split(",") if told.only else [*OURS, *PEERS, *LIMITS]
    rows = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows.append(_row(name, cache, (table, recording), told))
    if told.json:
        print(json.dumps([asdict(row) | {"rate": row.rate, "cpu_rate": row.cpu_rate} for row in rows], indent=2))
    else:
        _print(rows, told.bars)


def _arguments() -> argparse.Namespace:
    known = ", ".join([*OURS, *PEERS, *LIMITS])
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description="Backtesters at the same work.")
    parser.add_argument("--only", default="", help=f"names with commas; all: {known}")
    parser.add_argument("--bars", type=int, default=ALL_BARS, help=f"how many of the {ALL_BARS:,} bars")
    parser.add_argument("--repeat", type=int, default=3, help="processes each; the median is told")
    parser.add_argument("--cache", default=str(ROOT / ".bench"), help="where environments and bars are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    told = parser.parse_args()
    unknown = set(filter(None, told.only.split(","))) - {*OURS, *PEERS, *LIMITS}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {known}")
    if not 1_000 <= told.bars <= ALL_BARS or told.repeat < 1:
        parser.error(f"--bars is from 1,000 to {ALL_BARS:,}, --repeat at least 1")
    return told


def _row(name: str, cache: Path, data: tuple[Path, Path], told: argparse.Namespace) -> Row:
    table, recording = data
    try:
        if name in OURS:
            command = [sys.executable, "-m", "tests.bench.peers.ours", OURS[name], str(recording)]
        elif name in LIMITS:
            command = [sys.executable, str(HERE / f"run_{LIMITS[name]}.py"), str(table)]
        else:
            command = [_installed(name, cache), str(HERE / f"run_{name}.py"), str(table)]
        runs = [_run(command) for _ in range(told.repeat)]
    except Failed as failed:
        return Row(name, why=str(failed))
    figures = {key: median(run[key] for run in runs) for key in runs[0]}
    row = Row(name, **{key: int(value) if key in ("bars", "trips") else value for key, value in figures.items()})
    return Row(**{**asdict(row), "why": _difference(row) if told.bars == ALL_BARS else ""})


def _difference(row: Row) -> str:
    if row.name in OTHER_WORK:
        return ""
    found = []
    if row.trips != WORK["trips"]:
        found.append(f"{row.trips:,} round trips, not {WORK['trips']:,}")
    if abs(row.final / WORK["final"] - 1.0) > 1e-6:
        found.append(f"ends at {row.final:,.2f}, not {WORK['final']:,.2f}")
    return "; ".join(found)


def _installed(name: str, cache: Path) -> str:
    """The Python of the peer's environment, made where it is not there.

    Raises:
        Failed: it cannot be made.
    """
    folder, wanted = cache / name, (HERE / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return str(python)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements" / f"{name}.txt")],
    ):
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Failed(f"not installed: {_last(ran.stderr)}")
    stamp.write_text(wanted, encoding="utf-8")
    return str(python)


def _run(command: list[str]) -> dict[str, float]:
    """What a script told.

    Raises:
        Failed: it ended badly.
    """
    threads = {"OMP_NUM_THREADS": "1", "NUMEXPR_MAX_THREADS": "1"}
    try:
        ran = subprocess.run(
            command, cwd=ROOT, env=os.environ | threads, capture_output=True, text=True, check=False, timeout=_SLOW
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"not measured: it took more than {_SLOW / 3_600:g} hours") from None
    if ran.returncode:
        raise Failed(f"not measured: {_last(ran.stderr)}")
    told: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return told


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def _print(rows: list[Row], bars: int) -> None:
    ours = next((row for row in rows if row.name == "fks event" and row.rate), None)
    print(f"{bars:,} one-minute bars, {os.cpu_count()} cores")
    print(f"{'':26}{'bars/s':>14}{'cpu bars/s':>14}{'times':>13}{'round trips':>13}{'MiB':>8}")
    for row in rows:
        if not row.seconds:
            print(f"{row.name:26}{row.why}")
            continue
        rate = f"{row.rate:,.0f}" if row.bars else f"{row.seconds:.2f} s"
        cpu = f"{row.cpu_rate:,.0f}" if row.bars else f"{row.cpu:.2f} s"
        ratio = f"{ours.cpu_rate / row.cpu_rate:.2f}" if ours and row.bars else ""
        trips = f"{row.trips:,}" if row.trips else ""
        print(f"{row.name:26}{rate:>14}{cpu:>14}{ratio:>13}{trips:>13}{row.mib:>8.0f}  {row.why}".rstrip())


if __name__ == "__main__":
    main()
