"""What is written down of a running desk, and how commands end."""

import json
import os
from collections.abc import Callable

import pytest
import typer

from fks_actors.cli.session import (
    Running,
    find_running,
    note_running,
    open_client,
    reachable,
    running_secret,
    say_error,
    spoken,
)
from fks_actors.client import ApiRefused
from fks_actors.errors import (
    AlreadyRunning,
    ClusterError,
    ConfigError,
    DataFileError,
    FeedUnavailable,
    InvariantError,
    JournalCorrupt,
    NotRunning,
    PortTaken,
)
from fks_actors.home import Home
from tests.cli_runs import pretend_running


def test_note_when_read_again_then_it_is_the_same_and_only_its_owner_may_read_it(home: Home) -> None:
    running = pretend_running(home, 8000, journal_url="postgresql://u:p@h/d")
    assert find_running(home) == running
    assert (home.run / "desk.json").stat().st_mode & 0o777 == 0o600
    assert os.listdir(home.run) == ["desk.json"]


def test_find_when_nothing_was_started_then_it_says_how(home: Home) -> None:
    with pytest.raises(NotRunning, match=r"no desk runs in .*start one with `fks up`"):
        find_running(home)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"5", b"null", b'{"host": "h"}', b"\xff", b'{"host": 1}', b'{"symbols": {}}']
)
def test_find_when_the_file_is_damaged_then_no_desk_runs_and_it_says_what_clears_it(home: Home, content: bytes) -> None:
    (home.run / "desk.json").write_bytes(content)
    with pytest.raises(NotRunning, match=r"desk.json is damaged; `fks down` clears it away"):
        find_running(home)


def test_find_when_a_field_is_of_another_kind_then_it_is_damaged(home: Home) -> None:
    path = home.run / "desk.json"
    for name, wrong in (("port", "8000"), ("host", None), ("symbols", "BTC"), ("started_ms", 1.5)):
        pretend_running(home, 8000)
        path.write_text(json.dumps({**json.loads(path.read_bytes()), name: wrong}), encoding="utf-8")
        with pytest.raises(NotRunning, match="damaged"):
            find_running(home)


def test_find_when_a_newer_fks_wrote_more_then_that_is_passed_over(home: Home) -> None:
    running = pretend_running(home, 8000)
    path = home.run / "desk.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "more": 1}), encoding="utf-8")
    assert find_running(home) == running


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("trader.local", "trader.local"),
    ],
)
def test_url_when_the_edge_listens_anywhere_then_this_machine_reaches_it(host: str, shown: str) -> None:
    assert reachable(host) == shown
    assert Running(host, 80, "", "", "", "", "", (), 0).url == f"http://{shown}:80"


def test_open_client_when_the_token_is_gone_then_none_is_made_up(home: Home) -> None:
    pretend_running(home, 8000)
    with pytest.raises(ConfigError, match="api-token is not there; set FKS_API_TOKEN"):
        open_client(home)
    assert not home.api_token.exists()


def test_running_secret_when_the_variable_is_set_then_it_is_that(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FKS_API_TOKEN", "abc")
    assert running_secret(home, "api-token", "FKS_API_TOKEN") == "abc"


def _ended(command: Callable[[], None]) -> int:
    with pytest.raises(typer.Exit) as caught:
        spoken(command)()
    return caught.value.exit_code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("a.yaml:3: x"), 2, "fks: a.yaml:3: x\n"),
        (ConfigError("one\ntwo"), 2, "fks: one\nfks: two\n"),
        (AlreadyRunning("runs"), 2, "fks: runs\n"),
        (NotRunning("none"), 3, "fks: none\n"),
        (DataFileError("b.csv", 7, "bad"), 4, "fks: b.csv, line 7: bad\n"),
        (FeedUnavailable("away"), 4, "fks: away\n"),
        (JournalCorrupt("torn"), 5, "fks: torn\n"),
        (PortTaken(80, "nginx"), 1, "fks: port 80 is taken by nginx; free it or choose another with --port\n"),
        (ClusterError("no"), 1, "fks: no\n"),
        (InvariantError("?"), 1, "fks: ?\n"),
        (ApiRefused(422, "stale", "too old", "timestamp"), 1, "fks: 422 stale (timestamp): too old\n"),
        (KeyboardInterrupt(), 130, "fks: interrupted\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "fks: /x: Permission denied\n"),
        (OSError("odd"), 1, "fks: odd\n"),
    ],
)
def test_command_when_it_raises_then_a_line_and_an_exit_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise error

    assert _ended(command) == code
    assert capsys.readouterr().err == said


def test_command_when_the_token_is_wrong_then_it_says_whose_it_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise ApiRefused(401, "unauthorized", "wrong", "")

    assert _ended(command) == 1
    assert "set FKS_API_TOKEN and FKS_WEBHOOK_SECRET as they were for `fks up`" in capsys.readouterr().err


def test_command_when_there_is_a_bug_then_one_line_unless_it_is_debugged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command() -> None:
        raise KeyError("verdict")

    monkeypatch.delenv("FKS_DEBUG", raising=False)
    assert _ended(command) == 70
    assert capsys.readouterr().err == (
        "fks: this is a bug: KeyError: 'verdict'; FKS_DEBUG=1 shows where, please report it\n"
    )
    monkeypatch.setenv("FKS_DEBUG", "1")
    with pytest.raises(KeyError):
        spoken(command)()


def test_command_when_the_reader_of_a_pipe_is_gone_then_typer_ends_it() -> None:
    def command() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        spoken(command)()


def test_say_error_when_the_text_holds_markup_then_it_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say_error("[/red] :smile:")
    assert capsys.readouterr().err == "fks: [/red] :smile:\n"


def test_say_error_when_the_text_holds_what_a_terminal_obeys_then_it_is_escaped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_error("a\x1b[2Jb\x00\x0c\nü\tc\n")
    assert capsys.readouterr().err == "fks: a\\x1b[2Jb\\x00\\x0c\nfks: ü\tc\n"


def test_note_when_the_folder_is_gone_then_a_config_error(home: Home) -> None:
    running = pretend_running(home, 1)
    (home.run / "desk.json").unlink()
    home.run.rmdir()
    with pytest.raises(ConfigError, match=r"desk.json cannot be written"):
        note_running(home, running)
