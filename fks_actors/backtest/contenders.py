"""Who can be put over the same bars under the same limits and costs: the configured council, parts of it, strategies.

    council    the minds that are configured
    asmbtr     the transition table alone
    debate     the three specialists, without ASMBTR and forecasts
    hybrid     the specialists and ASMBTR
    sma ...    a textbook strategy alone (`desk.textbook`)
    others     a strategy of the user's own, or any one mind, alone (`council.alone`)

Nothing but who votes differs from the settings. A strategy that names targets is sized by them, a council by its votes:
beside a council the textbook strategies vote, too, or the larger position would look like the better rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fks_actors.agents import asmbtr, long_term, mid_term, short_term
from fks_actors.agents.config import MINDS
from fks_actors.agents.verdict import SENTIMENT
from fks_actors.backtest.council import alone
from fks_actors.backtest.minds import Decide
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result, run_past
from fks_actors.errors import ConfigError
from fks_actors.settings import Settings

COUNCIL = "council"

_SPECIALISTS = (short_term.AGENT, mid_term.AGENT, long_term.AGENT)
_PARTS: Mapping[str, tuple[str, ...]] = {"debate": _SPECIALISTS, "hybrid": (*_SPECIALISTS, asmbtr.AGENT)}
_RULES: Mapping[str, str] = {
    "sma": "price over SMA(200)",
    "sma_cross": "SMA(50) over SMA(200)",
    "macd": "MACD(12, 26, 9)",
    "bollinger": "Bollinger(20, 2) reversion",
}
LABELS: Mapping[str, str] = {
    COUNCIL: "the council",
    **_RULES,
    "asmbtr": "ASMBTR alone",
    "debate": "debate alone",
    "hybrid": "hybrid: debate and ASMBTR",
}
"""What each is called where it is shown, by the name that it is asked for with."""

MEASURES = tuple(name for name in LABELS if name != COUNCIL)
"""Those that every result is measured against, beside flat and buy and hold."""


@dataclass(frozen=True, slots=True)
class Contender:
    """`name` as it is asked for, `label` as it is shown, and the settings that it runs under."""

    name: str
    label: str
    settings: Settings

    @property
    def voices(self) -> tuple[str, ...]:
        """Who votes in a run, which has no headlines."""
        return tuple(agent for agent in self.settings.agents.minds if agent != SENTIMENT)

    @property
    def names_targets(self) -> bool:
        """Whether its positions are as large as a strategy wants them, rather than as the council's are."""
        return len(self.settings.agents.minds) == 1 and self.settings.agents.minds[0] not in MINDS


def contender(name: str, settings: Settings, *, votes: bool = False) -> Contender:
    """The one of that name, otherwise as the settings say.

    Args:
        name: of `LABELS`, a mind, a strategy that is configured or installed, FILE.py or FILE.py:CLASS.
        votes: a textbook strategy votes instead of naming targets.

    Raises:
        ConfigError: there is none of that name, or it cannot be loaded.
    """
    if name == COUNCIL:
        return Contender(name, LABELS[name], settings)
    if name in _PARTS:
        return Contender(name, LABELS[name], _with_minds(settings, _PARTS[name]))
    if name in _RULES and name not in settings.strategies:
        return Contender(name, LABELS[name], alone(settings, name, {"votes": True} if votes else {}))
    found = alone(settings, name)
    return Contender(name, LABELS.get(name, found.agents.minds[0]), found)


async def run_contender(
    of: Contender,
    past: Past,
    told: Callable[[int, int], None] = lambda done, total: None,
    decide: Decide | None = None,
) -> Result:
    """Put the bars through a desk of its own.

    Raises:
        ConfigError: nobody would vote, or a model, a mind or a strategy cannot be opened.
        StrategyOverrun: a strategy took too long on a bar.
    """
    if not of.voices:
        raise ConfigError(f"{of.label}: {SENTIMENT} has no vote over recorded bars; name another mind, too")
    return await run_past(of.settings, past, decide, told)


def _with_minds(settings: Settings, minds: tuple[str, ...]) -> Settings:
    """These minds only, who make a quorum together at the least."""
    agents = settings.agents
    debate, table = agents.debate, agents.asmbtr
    debate = debate.model_copy(update={"min_votes": min(debate.min_votes, len(minds))})
    if asmbtr.AGENT not in minds:
        table = table.model_copy(update={"protect": False})
    update = {"minds": minds, "debate": debate, "asmbtr": table}
    return settings.model_copy(update={"agents": agents.model_copy(update=update)})
