"""What the desk itself can be told."""

from dataclasses import dataclass, field

from fks_actors.market.config import QualityConfig


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """The venue that cycles trade at, and the quality gate's limits."""

    venue: str = "paper"
    quality: QualityConfig = field(default_factory=QualityConfig)

    @property
    def venue_owner(self) -> str:
        """The venue's name in the journal's snapshots."""
        return venue_owner(self.venue)


def venue_owner(venue: str) -> str:
    """The name under which a venue's state stands in the journal's snapshots."""
    return f"venue:{venue}"


def mind_owner(agent: str, symbol: str) -> str:
    """The name under which a mind's state for one symbol stands in the journal's snapshots."""
    return f"mind:{agent}:{symbol}"
