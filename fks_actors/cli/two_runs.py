"""The two runs that `fks compare --models` prints: the same bars, minds, limits and costs, with models and without."""

from collections.abc import Callable

from fks_actors.actors.debating import Debating
from fks_actors.actors.models import ModelsActor
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import run_past
from fks_actors.backtest.versus import Versus, versus
from fks_actors.home import Home
from fks_actors.settings import Settings

Count = Callable[[str], Callable[[int, int], None]]
"""Which run it is, to what hears (batches done, batches in all)."""


async def two_runs(home: Home, settings: Settings, past: Past, count: Count) -> Versus:
    """Both runs.

    Raises:
        ConfigError: a model or a mind cannot be opened; the text says what to do.
    """
    off = await run_past(settings, past, None, count("off"))
    models = ModelsActor(settings.llm, str(home.root))
    await models.start()
    debating = Debating(settings.agents.debate, models)
    try:
        on = await run_past(settings, past, debating.decide, count("on"))
    finally:
        await debating.close()
        await models.close()
    return versus(off, on)
