"""The knowledge-cutoff guard: a model that was trained on text from after a bar may remember what came of it.

Makers publish until when their models' training text reaches (`cutoffs.yaml`; a month counts to its last day). What a
model says of the time before is no forecast. Nothing is claimed of the time after: a published cutoff may be wrong, and
a model's server may look things up. `llm.providers.NAME.knowledge_until` overrides the table, and is the only way for a
model that it does not know: such a one is said to be unknown, never guessed at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np

from fks_actors.backtest.honesty.findings import portion
from fks_actors.backtest.past import Past
from fks_actors.llm.config import ProviderConfig
from fks_actors.model.orders import ZERO
from fks_actors.settings import Settings
from fks_actors.yaml_source import read_yaml

_TABLE = Path(__file__).with_name("cutoffs.yaml")
_VARIANT = re.compile(
    r"([-:@](\d{1,2}|\d{4}|\d{6}|\d{8}|\d{4}-\d{2}-\d{2}|v\d+|latest|preview|exp|instruct|it|chat|free|hf|gguf|awq|gptq"
    r"|fp8|bf16|q\d[_a-z0-9]*|\d+(\.\d+)?[bm]|a\d+b))*"
)
"""What may follow a family's name in a model's: a date, a size, a format, none of which is another training."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The last day that a model's training text reaches, and who says so."""

    until: date
    source: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one configured model may remember. `share`: of the traded bars, 0..1, those that opened up to the cutoff;
    `cutoff` None: not known."""

    provider: str
    model: str
    cutoff: Cutoff | None
    share: Decimal

    @property
    def is_warning(self) -> bool:
        """Whether it may remember a traded bar, or nobody knows."""
        return self.cutoff is None or self.share > 0

    @property
    def sentence(self) -> str:
        """What to tell."""
        name = f"{self.model} ({self.provider})"
        if self.cutoff is None:
            return (
                f"No training cutoff is known of {name}: whether it remembers this period cannot be told. Where its "
                f"maker publishes one, set llm.providers.{self.provider}.knowledge_until."
            )
        told = f"{self.cutoff.until:%Y-%m-%d} ({self.cutoff.source})"
        if not self.share:
            return (
                f"The traded span lies after {told}, until when {name} was trained, as published; no more is claimed."
            )
        return (
            f"{name} may remember {portion(self.share)} of the traded span: it was trained on text up to {told}. What "
            "it says of that time is no forecast."
        )


def knowledge(settings: Settings, past: Past) -> tuple[Knowledge, ...]:
    """What each configured language model may remember of the traded span."""
    return tuple(_of(name, provider, past) for name, provider in settings.llm.providers.items())


def _of(name: str, provider: ProviderConfig, past: Past) -> Knowledge:
    if provider.knowledge_until is not None:
        cutoff: Cutoff | None = Cutoff(provider.knowledge_until, "as configured")
    else:
        cutoff = cutoff_of(provider.model)
    return Knowledge(name, provider.model, cutoff, _share(cutoff, past) if cutoff else ZERO)


def _share(cutoff: Cutoff, past: Past) -> Decimal:
    day = cutoff.until + timedelta(days=1)
    end_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)
    known = int(np.searchsorted(past.times[past.begin : past.end], end_ms))
    return Decimal(known) / past.count


def cutoff_of(model: str) -> Cutoff | None:
    """The published cutoff of a model by its name, however a server spells it; None where the table knows none."""
    name = model.lower().rpartition("/")[2]
    families = (family for family in cutoffs() if name.startswith(family) and _VARIANT.fullmatch(name, len(family)))
    family = max(families, key=len, default=None)
    return cutoffs()[family] if family else None


@cache
def cutoffs() -> Mapping[str, Cutoff]:
    """The table, by family of models."""
    found: dict[str, Cutoff] = {}
    source = ""
    for given in read_yaml(_TABLE):
        if given.is_section:
            continue
        key = given.key[-1]
        if key == "source":
            source = str(given.value)
        else:
            found[key] = Cutoff(date.fromisoformat(str(given.value)), source)
    return found
