"""Websockets (to come)."""
from aiohttp import web
class Streams:
    def __init__(self, venue): self._venue = venue
    def pulse(self): pass
    async def close(self): pass
    async def api(self, request): return web.Response()
    raw = combined = api
