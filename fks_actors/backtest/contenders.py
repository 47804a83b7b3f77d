"""Who can be put over the same bars under the same limits and costs: the configured council, parts of it, rules.

    council    the minds that are configured
    sma ...    one of the textbook strategies alone (`backtest.rules`)
    asmbtr     the transition table alone
    debate     the three specialists, without ASMBTR and forecasts
    hybrid     the specialists and ASMBTR

One mind alone is a quorum; otherwise nothing but who votes differs from the settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fks_actors.agents import asmbtr, long_term, mid_term, short_term
from fks_actors.agents.verdict import SENTIMENT
from fks_actors.backtest.minds import Decide
from fks_actors.backtest.past import Past
from fks_actors.backtest.rules import rule_craft
from fks_actors.backtest.run import Result, run_past
from fks_actors.desk.mind import BarMind
from fks_actors.errors import ConfigError
from fks_actors.settings import Settings

COUNCIL = "council"

_SPECIALISTS = (short_term.AGENT, mid_term.AGENT, long_term.AGENT)
_PARTS: Mapping[str, tuple[str, ...]] = {
    "asmbtr": (asmbtr.AGENT,),
    "debate": _SPECIALISTS,
    "hybrid": (*_SPECIALISTS, asmbtr.AGENT),
}
LABELS: Mapping[str, str] = {
    COUNCIL: "the council",
    "sma": "price over SMA(200)",
    "sma_cross": "SMA(50) over SMA(200)",
    "macd": "MACD(12, 26, 9)",
    "bollinger": "Bollinger(20, 2) reversion",
    "asmbtr": "ASMBTR alone",
    "debate": "debate alone",
    "hybrid": "hybrid: debate and ASMBTR",
}
"""What each is called where it is shown, by the name that it is asked for with."""

MEASURES = tuple(name for name in LABELS if name != COUNCIL)
"""Those that every result is measured against, beside flat and buy and hold."""


@dataclass(frozen=True, slots=True)
class Contender:
    """`name` as it is asked for, `label` as it is shown; `rule` names the textbook strategy that votes alone, or is
    empty where the settings' minds vote."""

    name: str
    label: str
    settings: Settings
    rule: str = ""

    @property
    def voices(self) -> tuple[str, ...]:
        """Who votes in a run, which has no headlines."""
        return (self.rule,) if self.rule else tuple(a for a in self.settings.agents.minds if a != SENTIMENT)


def contender(name: str, settings: Settings) -> Contender:
    """The one of that name, otherwise as the settings say.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in LABELS:
        raise ConfigError(f"there is no strategy {name!r}; there are {', '.join(LABELS)}")
    if name == COUNCIL:
        return Contender(name, LABELS[name], settings)
    if name in _PARTS:
        return Contender(name, LABELS[name], _with_minds(settings, _PARTS[name]))
    return Contender(name, LABELS[name], _with_minds(settings, ()), name)


async def run_contender(
    of: Contender,
    past: Past,
    told: Callable[[int, int], None] = lambda done, total: None,
    decide: Decide | None = None,
) -> Result:
    """Put the bars through a desk of its own.

    Raises:
        ConfigError: a model or a mind cannot be opened.
    """
    minds = [BarMind(rule_craft(of.rule))] if of.rule else None
    return await run_past(of.settings, past, decide, told, minds)


def _with_minds(settings: Settings, minds: tuple[str, ...]) -> Settings:
    """These minds only (none: a rule votes in their place), a quorum of one where they are one."""
    agents = settings.agents
    debate, table = agents.debate, agents.asmbtr
    if len(minds) < debate.min_votes:
        debate = debate.model_copy(update={"min_votes": max(len(minds), 1)})
    if asmbtr.AGENT not in minds:
        table = table.model_copy(update={"protect": False})
    update = {"debate": debate, "asmbtr": table, **({"minds": minds} if minds else {})}
    return settings.model_copy(update={"agents": agents.model_copy(update=update)})
