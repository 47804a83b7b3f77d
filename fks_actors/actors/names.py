"""The actors' names in the cluster, one namespace a desk."""

from typing import Final

JOURNAL: Final = "journal"
RISK: Final = "risk"
COORDINATOR: Final = "coordinator"
FEED: Final = "feed"
TELEMETRY: Final = "telemetry"
HORIZONS: Final = ("short_term", "mid_term", "long_term")


def connector(venue: str) -> str:
    """The name of a venue's connector."""
    return f"connector:{venue}"
