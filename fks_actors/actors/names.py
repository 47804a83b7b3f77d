"""The actors' names in the cluster, one namespace a desk."""

from typing import Final

JOURNAL: Final = "journal"
RISK: Final = "risk"
COORDINATOR: Final = "coordinator"
FEED: Final = "feed"
SHADOWS: Final = "shadows"
TELEMETRY: Final = "telemetry"
MODELS: Final = "models"
JOBS: Final = "jobs"
SENTIMENT: Final = "sentiment"


def connector(venue: str) -> str:
    """The name of a venue's connector."""
    return f"connector:{venue}"
