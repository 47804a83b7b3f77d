"""The admin API (to come)."""
from aiohttp import web
def admin_app(venue, streams): return web.Application()
