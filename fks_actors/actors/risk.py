"""The risk manager: every venue's account, the one set of limits. Its state follows the journal's chain."""

from collections.abc import Mapping
from decimal import Decimal

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.presence import Presence
from fks_actors.desk.lineage import Lineage, Step
from fks_actors.desk.ports import Ruled
from fks_actors.desk.steps import RISK_OWNER
from fks_actors.model.markets import MarketRules
from fks_actors.model.records import Snapshot
from fks_actors.risk.codec import decode, encode
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.engine import rule
from fks_actors.risk.messages import RiskRequest, RiskState


class RiskActor(Presence):
    """Rules on proposals (desk.ports.RiskPort).

    Args:
        config: the limits.
        markets: what may be traded, by venue and symbol.
        cash: what each venue's account starts with, in quote.
        namespace: where the journal's actor is found.
    """

    def __init__(
        self,
        config: RiskConfig,
        markets: Mapping[str, Mapping[str, MarketRules]],
        cash: Mapping[str, Decimal],
        namespace: str,
    ) -> None:
        super().__init__("risk")
        self._config = config
        self._markets = markets
        self._cash = cash
        self._journal = JournalHandle(namespace)
        self._lineage = Lineage(self._load, self._work)

    async def rule(self, step: Step, request: RiskRequest) -> Ruled:
        """Take note of what happened and rule on what is proposed; once a step."""
        return await self._lineage.answer(step, request)

    async def state(self) -> RiskState:
        """The state after the last ruling."""
        return await self._lineage.current()

    async def _load(self) -> tuple[str, RiskState]:
        held = await self._journal.snapshot(RISK_OWNER)
        state = decode(held.payload).with_venues(self._cash) if held.payload else RiskState.of(self._cash)
        return held.commit_id, state

    def _work(self, state: RiskState, request: RiskRequest, _: str) -> tuple[RiskState, Ruled]:
        after, reply = rule(state, request, self._config, self._markets)
        return after, Ruled(reply, Snapshot(RISK_OWNER, encode(after)))
