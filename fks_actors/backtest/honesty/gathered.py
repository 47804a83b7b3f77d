"""All findings that need no other run."""

from collections.abc import Iterator

from fks_actors.backtest.honesty.findings import Finding, sentences
from fks_actors.backtest.honesty.knowledge import knowledge
from fks_actors.backtest.honesty.recordings import data_flaws
from fks_actors.backtest.honesty.warm_up import warm_up
from fks_actors.backtest.past import Past
from fks_actors.backtest.run import Result
from fks_actors.settings import Settings


def findings_of(settings: Settings, past: Past, result: Result, models: bool = False) -> Iterator[Finding]:
    """What the cheap tools say of a run, warnings or not.

    Args:
        settings, past, result: the run.
        models: whether language models had a part in it.
    """
    yield warm_up(past, result)
    if models:
        yield from knowledge(settings, past)
    yield from data_flaws(settings, past)


def warnings_of(settings: Settings, past: Past, result: Result, models: bool = False) -> tuple[str, ...]:
    """What the cheap tools have to say against a run, as `Study.warnings` takes it."""
    return sentences(findings_of(settings, past, result, models))
