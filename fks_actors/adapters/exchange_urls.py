"""Where ccxt finds an exchange: settings that send every call of one to another address, such as a simulator's."""

import importlib
import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from fks_actors.adapters.feeds.symbols import close_matches
from fks_actors.errors import ConfigError


def exchange_options(exchange_id: str, base_url: str) -> dict[str, Any]:
    """ccxt's settings that send all of the exchange's calls, websocket included, to `base_url` (http://host:port).

    Paths stay as they are. Binance is asked for its spot markets alone, and its errors keep their meaning: ccxt
    chooses it by the real host's name, and knows a spot stream by the word in its address.

    Raises:
        ConfigError: ccxt knows no such exchange.
    """
    base_url = base_url.rstrip("/")
    ws_url = re.sub(r"^http", "ws", base_url)
    described = _described(exchange_id)
    api = _moved(described["urls"]["api"], base_url, ws_url)
    settings: dict[str, Any] = {"urls": {"api": api}, "aiohttp_trust_env": False}
    if exchange_id == "binance":
        api["ws"].update(spot=f"{ws_url}/stream/ws", margin=f"{ws_url}/stream/ws")
        spot = described["exceptions"]["spot"]
        settings["exceptions"] = {kind: spot[kind] for kind in ("exact", "broad") if kind in spot}
        settings["options"] = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    return settings


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _described(exchange_id: str) -> dict[str, Any]:
    every: list[str] = importlib.import_module("ccxt").exchanges
    if exchange_id not in every:
        raise ConfigError(f"ccxt knows no exchange {exchange_id!r}{close_matches(exchange_id, every)}")
    pro = importlib.import_module("ccxt.pro")
    home = pro if exchange_id in pro.exchanges else importlib.import_module("ccxt.async_support")
    described: dict[str, Any] = getattr(home, exchange_id)().describe()
    return described


def _moved(urls: Any, base_url: str, ws_url: str) -> Any:
    if isinstance(urls, dict):
        return {name: _moved(value, base_url, ws_url) for name, value in urls.items()}
    if isinstance(urls, list):
        return [_moved(value, base_url, ws_url) for value in urls]
    if isinstance(urls, str):
        return re.sub(r"^wss?://[^/]+", ws_url, re.sub(r"^https?://[^/]+", base_url, urls))
    return urls
