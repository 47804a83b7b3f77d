"""Where ccxt finds an exchange: settings that send every call of one to another address, such as a simulator's."""

import importlib
import re
from typing import Any


def exchange_options(exchange_id: str, base_url: str) -> dict[str, Any]:
    """ccxt's settings that send all of the exchange's calls, websocket included, to `base_url` (http://host:port).

    The market types beyond spot are not asked for at Binance, and its errors mean what they mean at the real address:
    ccxt chooses them by the host's name.
    """
    base_url = base_url.rstrip("/")
    ws_url = re.sub(r"^http", "ws", base_url)
    if exchange_id == "binance":
        return _binance(base_url, ws_url)
    api = _described(exchange_id)["urls"]["api"]
    return {"urls": {"api": _moved(api, base_url, ws_url)}, "aiohttp_trust_env": False}


def _binance(base_url: str, ws_url: str) -> dict[str, Any]:
    api: dict[str, Any] = {
        "public": f"{base_url}/api/v3",
        "private": f"{base_url}/api/v3",
        "v1": f"{base_url}/api/v1",
        "sapi": f"{base_url}/sapi/v1",
        **{f"sapiV{n}": f"{base_url}/sapi/v{n}" for n in (2, 3, 4)},
        "ws": {"spot": f"{ws_url}/stream/ws", "ws-api": {"spot": f"{ws_url}/ws-api/v3"}},
    }
    spot = _described("binance")["exceptions"]["spot"]
    return {
        "urls": {"api": api},
        "exceptions": {kind: spot[kind] for kind in ("exact", "broad") if kind in spot},
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
        "aiohttp_trust_env": False,
    }


def _described(exchange_id: str) -> dict[str, Any]:
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
