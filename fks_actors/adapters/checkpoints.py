"""The file that keeps unfinished debates, so that a killed coordinator goes on with them instead of paying twice.

It holds only what the journal does not hold yet, and may be lost: a damaged file is replaced, and a power cut may take
the last turn. The state is plain bytes; nothing in the file is ever turned into an object of a class that it names.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Collection
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

_BUSY_S = 1.0
_log = logging.getLogger(__name__)


class Checkpoints:
    """LangGraph checkpoints in a SQLite file, opened when they are first asked for.

    Args:
        path: the file; made, for its owner alone, where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saver: AsyncSqliteSaver | None = None
        self._opening = asyncio.Lock()

    async def saver(self) -> AsyncSqliteSaver | None:
        """The checkpointer of this event loop; None where the file cannot be used: asked again, it tries again."""
        async with self._opening:
            if self._saver is None:
                try:
                    self._saver = await self._opened()
                except (OSError, sqlite3.Error) as error:
                    _log.warning("debates are not kept: %s: %s", self._path, error)
            return self._saver

    async def keep(self, threads: Collection[str]) -> None:
        """Forget every thread but these: a debate is kept until its decision stands in the journal."""
        saver = await self.saver()
        if saver is None:
            return
        try:
            marks = ",".join("?" * len(threads))
            async with saver.lock:
                for table in ("checkpoints", "writes"):
                    statement = f"DELETE FROM {table} WHERE thread_id NOT IN ({marks})"  # noqa: S608 marks alone
                    await saver.conn.execute(statement, tuple(threads))
                await saver.conn.commit()
        except sqlite3.Error as error:
            _log.warning("old debates are not forgotten: %s: %s", self._path, error)

    async def close(self) -> None:
        """Let go of the file."""
        async with self._opening:
            if self._saver is not None:
                await self._saver.conn.close()
                self._saver = None

    async def _opened(self) -> AsyncSqliteSaver:
        try:
            return await self._connected()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            _log.warning("%s is damaged and made anew: %s", self._path, error)
            for end in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)
            return await self._connected()

    async def _connected(self) -> AsyncSqliteSaver:
        self._path.touch(mode=0o600)
        connection = await aiosqlite.connect(self._path, timeout=_BUSY_S)
        try:
            saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
            await saver.setup()
            await connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                await connection.close()
            raise
        return saver
