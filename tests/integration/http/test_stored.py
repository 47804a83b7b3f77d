"""The edge as a replica opens it: a real SQLite inbox and journal, secrets from files."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.gateway import Gateway, make_app
from deployments.opening import EdgeArgs, edge_args, open_gateway
from fks_actors.adapters.sql import SqlInbox, SqlJournal
from fks_actors.errors import ConfigError
from tests.edge import NOW_MS, SECRET, SYMBOLS, TOKEN
from tests.fake_desk import FakeDesk


@pytest.fixture
def args(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    journal = f"sqlite:///{tmp_path}/journal.db"
    SqlJournal(journal, lambda: NOW_MS).close()
    return {
        "journal_url": journal,
        "inbox_url": f"sqlite:///{tmp_path}/inbox.db",
        "namespace": "test",
        "symbols": list(SYMBOLS),
        "secret_file": str(tmp_path / "secret"),
        "token_file": str(tmp_path / "token"),
        "webhook": {"rate_limit_per_minute": 100_000, "burst": 100_000},
    }


def opened(args: dict[str, Any]) -> Gateway:
    return replace(open_gateway(edge_args(args)), desk=FakeDesk())


async def test_send_when_two_replicas_get_the_same_alerts_then_each_is_stored_once(args: dict[str, Any]) -> None:
    gateways = [opened(args), opened(args)]
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(make_app(gateway)), base_url="http://desk")
        for gateway in gateways
    ]

    def body(number: int) -> bytes:
        alert = {"symbol": "BTCUSDT", "side": "buy", "quantity": "0.01", "secret": SECRET, "id": str(number)}
        return json.dumps(alert).encode()

    answers = await asyncio.gather(
        *(client.post("/webhook/tradingview", content=body(n)) for n in range(20) for client in clients)
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [202] * 20
    reader = SqlInbox(args["inbox_url"], 600_000, lambda: NOW_MS)
    stored = reader.after(0, 100)
    assert len(stored) == 20
    assert {signal.signal_id for _, signal in stored} == {answer.json()["signal_id"] for answer in answers}
    assert SECRET not in repr(stored)
    for client, gateway in zip(clients, gateways, strict=True):
        await client.aclose()
        _close(gateway)
    reader.close()


async def test_read_when_journal_is_empty_then_lists_are_and_account_is_not_made_up(args: dict[str, Any]) -> None:
    gateway = opened(args)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(make_app(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk/api/v1/", headers=headers) as client:
        for path in ("decisions", "orders", "trades"):
            assert (await client.get(path)).json() == {"items": [], "next_cursor": ""}
        assert (await client.get("equity")).json() == []
        assert (await client.get("status")).status_code == 200
        assert (await client.get("account")).status_code == 503
        assert (await client.get("decisions?cursor=bad")).json()["error"]["field"] == "cursor"
    _close(gateway)


def _close(gateway: Gateway) -> None:
    gateway.inbox.close()  # type: ignore[attr-defined]
    gateway.reader.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"symbols": []}, "symbols"),
        ({"typo": 1}, "typo"),
        ({"replicas": 0}, "replicas"),
        ({"webhook": {"secret": "in the open"}}, "webhook.secret"),
        ({"webhook": {"burst": 0}}, "webhook.burst"),
        ({"token_file": "/nowhere/token"}, "/nowhere/token"),
        ({"token_file": "", "token_env": "FKS_TEST_UNSET"}, "FKS_TEST_UNSET"),
    ],
)
def test_open_when_an_argument_is_wrong_then_error_names_it_and_no_secret(
    args: dict[str, Any], changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError) as error:
        open_gateway(edge_args({**args, **changes}))
    assert named in str(error.value)
    assert "in the open" not in str(error.value)


def test_open_when_secrets_are_in_files_then_they_never_show(args: dict[str, Any]) -> None:
    gateway = opened(args)
    assert gateway.token.get_secret_value() == TOKEN
    assert TOKEN not in repr(gateway)
    assert SECRET not in repr(gateway) + repr(EdgeArgs.model_validate(args))
    _close(gateway)
