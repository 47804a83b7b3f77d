"""The risk manager: the one account, the one set of limits. Its state follows the journal's chain."""

from decimal import Decimal

from fks_actors.actors.handles import JournalHandle
from fks_actors.actors.presence import Presence
from fks_actors.desk.desk import RISK_OWNER
from fks_actors.desk.lineage import Lineage, Step
from fks_actors.desk.ports import Ruled
from fks_actors.model.account import Account
from fks_actors.model.markets import MarketRules
from fks_actors.model.records import Snapshot
from fks_actors.risk.codec import decode, encode
from fks_actors.risk.config import RiskConfig
from fks_actors.risk.engine import rule
from fks_actors.risk.messages import RiskRequest, RiskState


class RiskActor(Presence):
    """Rules on proposals (desk.ports.RiskPort)."""

    def __init__(self, config: RiskConfig, markets: dict[str, MarketRules], cash: Decimal, namespace: str) -> None:
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
        return held.commit_id, decode(held.payload) if held.payload else RiskState(Account(self._cash))

    def _work(self, state: RiskState, request: RiskRequest, _: str) -> tuple[RiskState, Ruled]:
        after, reply = rule(state, request, self._config, self._markets)
        return after, Ruled(reply, Snapshot(RISK_OWNER, encode(after)))
