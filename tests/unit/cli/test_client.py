"""The Python client: what it makes of refusals, of strangers at its port, and of nobody."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fks_actors.client import ApiRefused, Client, sign
from fks_actors.errors import ConfigError, FksError, NotRunning
from tests.edge import TOKEN
from tests.fakes import Scene
from tests.unit.cli.conftest import Serve


@contextmanager
def stranger(answer: bytes) -> Iterator[str]:
    """A server that says the same to everybody, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                peer.recv(65_536)
                peer.sendall(answer)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def said(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return (head + body).encode()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (said("200 OK", "<html>"), "answered 200 without JSON; is this a desk?"),
        (said("200 OK", "[1]"), "answered other JSON than a desk's"),
        (said("200 OK", "null"), "answered other JSON than a desk's"),
        (said("404 Not Found", '{"error": "no"}'), "404 unknown: is this a desk?"),
        (said("500 Oops", '{"error": {"code": 5, "message": null}}'), "500 5: is this a desk?"),
        (said("404 Not Found", "[]"), "404 unknown: is this a desk?"),
        (b"SSH-2.0-OpenSSH\r\n", "RemoteProtocolError"),
        (b"", "RemoteProtocolError"),
    ],
)
def test_status_when_a_stranger_answers_then_it_is_told(answer: bytes, told: str) -> None:
    with stranger(answer) as url, Client(url, "t") as client, pytest.raises(FksError, match=told):
        client.status()


def test_page_when_a_stranger_answers_then_it_is_told() -> None:
    for body in ("{}", '{"items": 5}', '{"items": [5]}'):
        with (
            stranger(said("200 OK", body)) as url,
            Client(url, "t") as client,
            pytest.raises(FksError, match="desk"),
        ):
            client.page("orders")


def test_ask_when_nobody_answers_then_not_running() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(NotRunning, match="nothing answers at http"):
        client.status()


def test_ask_when_no_answer_comes_then_it_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout_s=0.05) as client, pytest.raises(FksError, match="did not answer in time"):
            client.status()


def test_open_when_the_token_cannot_be_sent_then_a_config_error() -> None:
    for token in ("schlüssel", "two\nlines"):
        with pytest.raises(ConfigError, match="no HTTP header can"):
            Client("http://127.0.0.1:1", token)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nonsense", "http://127.0.0.1:port"])
def test_open_when_the_address_is_none_then_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match="no address of a desk"), Client(url) as client:
        client.status()


def test_ask_when_a_proxy_is_set_then_the_token_goes_to_the_desk_alone(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Client(serve(), TOKEN) as client:
        assert client.status()["version"] == "0.1.0"


def test_ask_when_nothing_is_recorded_then_none_and_empty_but_a_wrong_token_is_told(serve: Serve) -> None:
    url = serve()
    with Client(url, TOKEN) as client:
        assert client.account() is None
        assert client.positions() == []
    with Client(url, "wrong") as client:
        for ask in (client.account, client.positions, client.agents):
            with pytest.raises(ApiRefused, match="401 unauthorized: the bearer token is missing or wrong"):
                ask()


def test_ask_when_the_desk_trades_then_plain_dictionaries(serve: Serve) -> None:
    scene = Scene(40)
    with Client(serve(reader=scene.reader, desk=scene.desk), TOKEN) as client:
        account = client.account()
        assert account is not None
        assert account["currency"] == "USDT"
        assert {row["symbol"] for row in client.positions()} <= {"BTC/USDT", "ETH/USDT"}
        page = client.page("decisions", limit=3, symbol="")
        assert len(page["items"]) == 3
        assert page["next_cursor"]


def test_sign_when_given_the_example_then_the_known_digest() -> None:
    assert sign("key", b"The quick brown fox jumps over the lazy dog") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )
