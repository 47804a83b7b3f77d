"""How good and how dear forecasts are: 24 h ahead, every hour of 2024: `python -m tests.bench forecast`.

The prices are BTC/USDT by the hour (`FKS_TEST_DATA`); a forecast sees the 4,032 hours before it. Each line is CRPS (in
1e-4 of log return), MASE and the coverage of the 90 % interval, over the same instants for all. The goal is a CRPS
under both baselines and a coverage of 88 to 92 %.
"""

import time

import numpy as np

from fks_actors.adapters.forecast.config import DEFAULT_LEVELS
from tests.bench.figures import row
from tests.recorded import HOURLY, MISSING, YEAR_2024_MS, hourly


def main() -> None:
    if not HOURLY.is_file():
        print(f"{HOURLY}: {MISSING}")
        return
    begin = time.perf_counter()
    from tests.bench.forecast_parts import OURS, roll

    row("import of the statistical models", f"{time.perf_counter() - begin:.2f} s")
    rolled = roll(hourly(), YEAR_2024_MS)
    table = {name: scored.means() for name, scored in rolled.rows.items()}
    best = min(table["seasonal-naive"][0], table["random walk with drift"][0])
    for name, (crps, mase, coverage) in table.items():
        limits = f"CRPS < {1e4 * best:.2f}, coverage 0.88 to 0.92" if name == OURS else ""
        row(name, f"CRPS {1e4 * crps:7.2f}  MASE {mase:.4f}  coverage {coverage:.4f}", limits)
    row("skill over the better baseline", f"{1.0 - table[OURS][0] / best:+.2%}")
    row("forecasts scored", f"{len(rolled.rows[OURS].crps)} with {len(DEFAULT_LEVELS)} levels")
    for what, taken in (("on the clock", rolled.wall_s), ("processor", rolled.cpu_s)):
        mean, p50, p99, most = (1e3 * f for f in (np.mean(taken), *np.percentile(taken, [50, 99, 100])))
        row(f"a bar with forecast and scores, {what}", f"mean {mean:.2f} p50 {p50:.2f} p99 {p99:.1f} ms", "a few ms")
        row(f"the longest bar (fits anew), {what}", f"{most:.0f} ms", "< 300 ms")


if __name__ == "__main__":
    main()
