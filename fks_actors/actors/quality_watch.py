"""The coordinator's eye on its data: looks each second, whether or not a bar comes, and tells metrics, logs and status.

It decides nothing: an order meets the same report when risk rules on it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from fks_actors.market.health import OVERDUE, Report, Source
from fks_actors.telemetry import Telemetry

_EVERY_S = 1.0
_log = logging.getLogger(__name__)


class QualityWatch:
    """Looks at the sources.

    Args:
        telemetry: where the gauges are.
        report: how the sources stand now.
    """

    def __init__(self, telemetry: Telemetry, report: Callable[[], Report]) -> None:
        self._telemetry = telemetry
        self._report = report
        self._overdue: set[str] = set()
        self._paused = False

    async def keep(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(_EVERY_S)

    def look(self) -> Report:
        """Look once."""
        report = self._report()
        gauge = self._telemetry.gauge
        for each in report.sources:
            gauge("fks_data_quality_score", each.name, each.symbol).set(each.score)
            gauge("fks_price_deviation_ratio", each.name, each.symbol).set(each.deviation)
        gauge("fks_sources_failing").set(len(report.failing))
        gauge("fks_trading_paused").set(float(report.paused))
        overdue = {each.symbol for each in report.sources if each.trouble == OVERDUE}
        for symbol in overdue - self._overdue:
            self._telemetry.counter("fks_stale_total", symbol).inc()
        self._overdue = overdue
        if report.paused and not self._paused:
            _log.warning("no new exposure: %s", report.reason)
        elif self._paused and not report.paused:
            _log.info("the data can be trusted again")
        self._paused = report.paused
        return report

    @property
    def reason(self) -> str:
        """Why there is no new exposure now; empty where there may be."""
        return self._report().reason

    def told(self) -> dict[str, Any]:
        """The sources for the status."""
        report = self._report()
        return {
            "paused": report.paused,
            "reason": report.reason,
            "failing": len(report.failing),
            "share": report.share,
            "limit": report.limit,
            "least_score": report.least,
            "sources": [_row(each) for each in report.sources],
        }


def _row(source: Source) -> dict[str, Any]:
    return {
        "source": source.name,
        "symbol": source.symbol,
        "score": round(source.score, 4),
        "fails": source.fails,
        "present": source.present,
        "trouble": source.trouble,
        "deviation": source.deviation,
    }
