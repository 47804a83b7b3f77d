"""Where jobs are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fks_actors.adapters.jobs.config import JobsConfig


@dataclass(frozen=True, slots=True)
class Place:
    """Where jobs are asked for: what they may take, the folders of the recordings, the desk's own settings as a tree.

    `real`: a venue of the desk trades for real.
    """

    config: JobsConfig
    folders: tuple[Path, ...]
    tree: Mapping[str, Any]
    real: bool = False

    @property
    def takes_code(self) -> bool:
        """Whether a request may bring a strategy's source."""
        allowed = self.config.uploaded_code
        return not self.real if allowed is None else allowed
