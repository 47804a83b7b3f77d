"""A strategy's actor behind the council: while it loops its vote is late, and the others decide."""

import asyncio
import queue
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from fks_actors.actors.council import Council
from fks_actors.actors.specialist import StrategyActor
from fks_actors.actors.wiring import Wiring, actor_specs, paper_plan
from fks_actors.agents.config import DebateConfig
from fks_actors.desk.config import PAPER
from fks_actors.desk.ports import Briefing
from fks_actors.errors import ActorUnavailable, ConfigError
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Abstain, AbstainReason, Action, Ballot, Vote
from fks_actors.settings import Settings
from tests.in_process import CASH, MemoryJournal, run_record
from tests.unit.strategies.written import BTC, EXAMPLE, MINUTE, bar, source

LOOPS = (
    "class Mine:\n"
    "    def on_bar(self, bar):\n"
    "        while bar.close == 101.0:\n"
    "            pass\n"
    "        return 1.0\n"
)  # fmt: skip


class Elsewhere:
    """An actor in a thread of its own, asked as across processes: whoever waits too long goes on without it."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._calls: queue.SimpleQueue[tuple[Any, Future[Any]] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        with asyncio.Runner() as runner:
            while (call := self._calls.get()) is not None:
                made, answer = call
                try:
                    answer.set_result(runner.run(made))
                except BaseException as error:  # noqa: BLE001 as an actor's caller would hear of it
                    answer.set_exception(error)

    async def ask(self, batch: BarBatch, previous_ms: Mapping[str, int], deadline_s: float) -> Any:
        answer: Future[Any] = Future()
        self._calls.put((self._actor.ask(batch, previous_ms), answer))
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(asyncio.wrap_future(answer))
        except TimeoutError:
            raise ActorUnavailable("it did not answer") from None

    def close(self) -> None:
        self._calls.put(None)
        self.thread.join(30.0)
        assert not self.thread.is_alive()


class Steady:
    async def ask(self, batch: BarBatch, _: Mapping[str, int], __: float) -> tuple[tuple[Ballot, ...], tuple[()]]:
        return (Vote("steady", BTC, batch.ts_ms, Action.BUY, 0.9, ""),), ()


@pytest.fixture
def looping(tmp_path: Path) -> Iterator[Elsewhere]:
    actor = StrategyActor(source(tmp_path, LOOPS, bar_limit_s=1.0), "none", MemoryJournal())
    elsewhere = Elsewhere(actor)
    yield elsewhere
    elsewhere.close()


async def test_deliberate_when_a_strategy_loops_then_it_is_late_then_failed_and_the_others_decide(
    looping: Elsewhere,
) -> None:
    council = Council({"mine": looping, "steady": Steady()}, DebateConfig(min_votes=1), deadline_s=0.3)  # type: ignore[dict-item]
    previous: dict[str, int] = {}
    said: list[Ballot] = []
    for at in range(400):
        batch = BarBatch(at * MINUTE, MINUTE, (bar(at, 101.0 if at == 2 else 100.0),))
        told = await council.deliberate(batch, Briefing(previous, (), {}, {}))
        mine, _ = told.ballots
        said.append(mine)
        assert told.verdicts[0].action is Action.BUY
        previous = {BTC: batch.ts_ms}
        if isinstance(mine, Abstain) and mine.reason is not AbstainReason.LATE:
            break
        if at > 2:
            await asyncio.sleep(0.01)
    assert all(isinstance(each, Vote) for each in said[:2])
    late = [each for each in said[2:-1] if isinstance(each, Abstain) and each.reason is AbstainReason.LATE]
    assert late == said[2:-1]
    assert late
    last = said[-1]
    assert isinstance(last, Abstain)
    assert last.reason is AbstainReason.FAILED


def wiring(**told: Any) -> Wiring:
    settings = Settings.model_validate(told)
    plans = (paper_plan(PAPER, (BTC,), settings),)
    return Wiring("ns", settings, run_record([BTC]), "sqlite:////j.db", "sqlite:////i.db", plans, {PAPER: CASH})


def test_actor_specs_when_a_strategy_is_a_mind_then_its_actor_is_given_its_text() -> None:
    specs = actor_specs(wiring(agents={"minds": ["mine"]}, strategies={"mine": {"path": str(EXAMPLE)}}))
    (spec,) = (each for each in specs if each.name == "mine")
    (told, namespace) = spec.arguments
    assert (spec.path, namespace) == ("fks_actors.actors.specialist:StrategyActor", "ns")
    assert told.text == EXAMPLE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"path": "/nowhere/mine.py"}, "no such file"),
        ({"path": str(EXAMPLE), "params": {"fast": 60}}, "fast must lie between 0 and slow"),
    ],
)
def test_actor_specs_when_a_strategy_cannot_be_made_then_no_actor_starts(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        actor_specs(wiring(agents={"minds": ["mine"]}, strategies={"mine": config}))


def test_reserved_when_the_actors_are_named_then_no_strategy_may_be_called_so() -> None:
    from fks_actors.agents.config import MINDS
    from fks_actors.strategies.config import is_strategy_name

    taken = {spec.name for spec in actor_specs(wiring())}
    assert {name for name in taken if is_strategy_name(name)} <= set(MINDS)
