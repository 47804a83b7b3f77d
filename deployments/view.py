"""What the API shows: the journal's records, and the desk's word where it answers. Blocking reads in threads."""

import asyncio
from collections.abc import Callable
from typing import Any

from deployments import render, shapes
from deployments.answers import ApiError
from deployments.ports import Desk
from fks_actors.errors import FksError
from fks_actors.journal.ports import JournalReader
from fks_actors.risk.messages import RiskState

_DESK_S = 2.0


class View:
    """Reads of one replica; every method tells the state of one instant."""

    def __init__(
        self, reader: JournalReader, desk: Desk, decode: Callable[[bytes], RiskState], version: str, mode: str
    ) -> None:
        self.reader = reader
        self._desk = desk
        self._decode = decode
        self._version = version
        self._mode = mode

    def risk_state(self) -> RiskState | None:
        """Risk's last recorded state; None before the first commit. Blocks."""
        payload = self.reader.snapshot("risk").payload
        return self._decode(payload) if payload else None

    async def known_state(self) -> RiskState:
        """Risk's last recorded state.

        Raises:
            ApiError: 503 where none is recorded yet.
        """
        state = await asyncio.to_thread(self.risk_state)
        if state is None:
            raise ApiError(503, "unavailable", "the desk has not recorded an account yet")
        return state

    async def desk_status(self) -> dict[str, Any] | None:
        """The coordinator's word, None where it does not answer."""
        try:
            async with asyncio.timeout(_DESK_S):
                return await self._desk.status()
        except (FksError, TimeoutError):
            return None

    async def agents(self) -> list[dict[str, Any]] | None:
        """Every actor, None where the coordinator does not answer."""
        try:
            async with asyncio.timeout(_DESK_S):
                return await self._desk.agents()
        except (FksError, TimeoutError):
            return None

    async def shadows(self) -> shapes.ShadowsShape:
        """The paper portfolios beside the desk; none and not reachable where nobody keeps any, or does not answer."""
        try:
            async with asyncio.timeout(_DESK_S):
                return render.shadows(await self._desk.shadows())
        except (FksError, TimeoutError):
            return render.shadows(None)

    async def status(self) -> shapes.StatusShape:
        """The whole in short."""
        desk = await self.desk_status()
        return await asyncio.to_thread(self._status, desk)

    def _status(self, desk: dict[str, Any] | None) -> shapes.StatusShape:
        run, state, counts = self.reader.last_run(), self.risk_state(), self.reader.counts()
        return render.status(self._version, self._mode, run, state, desk, counts)

    async def missing_part(self) -> str:
        """Which part is not ready: "journal", "desk", or "" where all are."""
        try:
            await asyncio.to_thread(self.reader.last_run)
        except FksError:
            return "journal"
        desk = await self.desk_status()
        return "" if desk is not None and desk.get("ready", False) else "desk"
