"""The live debate as a LangGraph: every mind in parallel, a reducer that collects, one verdict a symbol.

The graph is built from its minds once and holds nothing between runs; the arithmetic stays in `verdict`, and what
models say of it comes after, in `floor`. Besides these two no module of the domain knows langgraph.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, TypedDict, cast

from langgraph.graph import END, START, StateGraph

from fks_actors.agents.config import DebateConfig
from fks_actors.agents.settlement import DebateResult, failed, settle
from fks_actors.errors import ConfigError
from fks_actors.model.candles import BarBatch
from fks_actors.model.votes import Ballot, Vote

Ask = Callable[[BarBatch], Awaitable[tuple[Ballot, ...]]]
"""Put a batch to a mind. It keeps its own deadline and answers with one ballot a symbol, LATE or FAILED included."""

_DETAIL_CHARS = 200
_log = logging.getLogger(__name__)


def _merged(
    before: Mapping[str, tuple[Ballot, ...]], now: Mapping[str, tuple[Ballot, ...]]
) -> Mapping[str, tuple[Ballot, ...]]:
    return {**before, **now}


class _Round(TypedDict, total=False):
    batch: BarBatch
    heard: Sequence[Vote]
    weights: Mapping[str, float]
    answers: Annotated[Mapping[str, tuple[Ballot, ...]], _merged]
    result: DebateResult


class LiveDebate:
    """Asks all minds at once and weighs what they say.

    Args:
        minds: how to ask each mind, by agent name.
        config: threshold, quorum, weights.

    Raises:
        ConfigError: there is no mind.
    """

    def __init__(self, minds: Mapping[str, Ask], config: DebateConfig) -> None:
        if not minds:
            raise ConfigError("a debate needs at least one mind")
        self._minds = tuple(minds)
        self._config = config
        graph = StateGraph(_Round)
        nodes = [f"mind_{agent}" for agent in minds]
        for node, (agent, ask) in zip(nodes, minds.items(), strict=True):
            graph.add_node(node, cast("Any", _asking(agent, ask)))
            graph.add_edge(START, node)
        graph.add_node("consensus", self._consensus)
        graph.add_edge(nodes, "consensus")
        graph.add_edge("consensus", END)
        self._graph = graph.compile(name="debate")

    async def run(
        self, batch: BarBatch, heard: Sequence[Vote] = (), weights: Mapping[str, float] | None = None
    ) -> DebateResult:
        """Put `batch` to every mind and weigh the answers. A mind that fails or answers amiss abstains as FAILED."""
        final = await self._graph.ainvoke({"batch": batch, "heard": heard, "weights": weights or {}, "answers": {}})
        return cast("DebateResult", final["result"])

    async def _consensus(self, state: _Round) -> _Round:
        # a coroutine, though it waits for nothing: LangGraph runs plain functions in a thread pool
        answers = {agent: state["answers"][agent] for agent in self._minds}
        return {"result": settle(state["batch"], answers, self._config, state["heard"], state["weights"])}


def _asking(agent: str, ask: Ask) -> Callable[[_Round], Awaitable[_Round]]:
    async def node(state: _Round) -> _Round:
        batch = state["batch"]
        try:
            answer = await ask(batch)
        except Exception as error:  # noqa: BLE001 a failed mind abstains, whatever it failed of
            _log.warning("mind failed", extra={"agent": agent, "ts_ms": batch.ts_ms}, exc_info=error)
            detail = f"{type(error).__name__}: {error}"[:_DETAIL_CHARS]
            return {"answers": {agent: tuple(failed(agent, c.symbol, batch.ts_ms, detail) for c in batch.candles)}}
        return {"answers": {agent: answer}}

    return node
