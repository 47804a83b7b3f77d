"""Where in the journal each shadow began: at the begin of the run in which it was first there, as it is.

A shadow goes on through restarts of the desk as long as its configuration and the program stay the same. One that was
changed begins anew: what it would have done before, with what is known by now, is no result.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fks_actors import __version__
from fks_actors.backtest.shadows import CONFIG, ShadowPlan
from fks_actors.home import write_private
from fks_actors.journal.course import Course
from fks_actors.reflection.shadows import TWIN
from fks_actors.settings import Settings

_MATTERS = {"market", "memory", "agents", "forecast", "reflection", "risk", "paper", "strategies"}


def fingerprint(plan: ShadowPlan, twin: Settings | None) -> str:
    """What makes a shadow the one that it is; of one that is compared with the twin, the twin's as well."""
    kept: list[object] = [__version__, plan.kind, plan.rule, plan.settings.model_dump(mode="json", include=_MATTERS)]
    kept += [[source.name, source.text] for source in plan.sources]
    if plan.kind == CONFIG and twin is not None:
        kept.append(twin.model_dump(mode="json", include=_MATTERS))
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


class Begins:
    """The file that remembers. `path`: empty for none, then all begin with the run."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None

    def places(self, plans: Sequence[ShadowPlan], course: Course, seq: int, run_id: str) -> dict[str, int]:
        """Behind which place each shadow begins. `seq` is where the present run, `run_id`, begins.

        Raises:
            ConfigError: the file cannot be written.
            JournalError: the journal cannot be read.
        """
        known = self._read()
        twin = next((plan.settings for plan in plans if plan.kind == TWIN), None)
        found, kept = {}, {}
        for plan in plans:
            mark, before = fingerprint(plan, twin), known.get(plan.name, {})
            run = str(before.get("run", "")) if before.get("mark") == mark else ""
            at = course.run_at(run) if run else None
            found[plan.name] = at[0] if at else seq
            kept[plan.name] = {"mark": mark, "run": run if at else run_id}
        if self._path is not None and kept != known:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._path, json.dumps(kept, indent=1, sort_keys=True))
        return found

    def _read(self) -> Mapping[str, Mapping[str, Any]]:
        """What was kept; nothing where it cannot be read: then all begin anew."""
        if self._path is None:
            return {}
        try:
            held = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return held if isinstance(held, dict) and all(isinstance(v, dict) for v in held.values()) else {}
