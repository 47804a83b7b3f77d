"""The goal on recorded prices: 24 h ahead over 2024, better than both baselines, with honest intervals.

Every 11 hours, so that all hours of the day and days of the week are met; the benchmark `forecast` takes every hour.
"""

import pytest

from tests.bench.forecast_parts import OURS, roll
from tests.recorded import HOURLY, MISSING, YEAR_2024_MS, hourly


@pytest.mark.skipif(not HOURLY.is_file(), reason=MISSING)
def test_forecast_when_rolled_over_2024_then_beats_the_baselines_and_covers_nine_in_ten() -> None:
    rolled = roll(hourly(), YEAR_2024_MS, every=11, with_members=False)
    table = {name: row.means() for name, row in rolled.rows.items()}
    assert len(rolled.rows[OURS].crps) >= 790
    crps, _, coverage = table[OURS]
    assert crps < 0.99 * table["seasonal-naive"][0]
    assert crps < 0.99 * table["random walk with drift"][0]
    assert 0.88 <= coverage <= 0.92
