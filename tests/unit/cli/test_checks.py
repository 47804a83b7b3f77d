"""`fks doctor`: each arranged fault is found, named, and comes with what to do; it never fails itself."""

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fks_actors.adapters.sql import SqlJournal
from fks_actors.cli.checks import Finding, examine
from fks_actors.home import Home
from tests.cli_runs import fks_here, pretend_running
from tests.edge import TOKEN
from tests.fake_desk import HALF_BLIND, FakeDesk
from tests.market import batches, write_files
from tests.unit.cli.conftest import Serve

CHECKS = [
    "python",
    "ray",
    "config",
    "home",
    "disk",
    "memory",
    "clock",
    "port",
    "proxy",
    "feed",
    "venue paper",
    "journal",
    "desk",
]
Examine = Callable[..., dict[str, Finding]]


@pytest.fixture
def look(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Examine with a free port, no HAProxy, and the given keys in the config file."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("FKS_SERVE__PORT", str(free.getsockname()[1]))
    monkeypatch.setenv("FKS_SERVE__PROXY", "python")

    def run(text: str = "feed: {spec: simulated}") -> dict[str, Finding]:
        file = tmp_path / "my.yaml"
        file.write_text(text, encoding="utf-8")
        return {finding.check: finding for finding in examine(home, file)}

    return run


def test_examine_when_all_is_well_then_every_check_is_told(look: Examine) -> None:
    found = look()
    assert list(found) == CHECKS
    assert {f.check: f.found for f in found.values() if f.state == "failed"} == {}
    assert (found["journal"].found, found["desk"].found) == ("none yet", "not running")


def test_examine_when_the_config_is_wrong_then_that_is_the_last_finding(look: Examine, tmp_path: Path) -> None:
    found = look("risk:\n  nonsense: 1\n")
    assert list(found) == CHECKS[:3]
    assert found["config"].state == "failed"
    assert f"{tmp_path / 'my.yaml'}:2: risk.nonsense: unknown key" in found["config"].found


@pytest.mark.parametrize(
    ("content", "mode", "state", "said"),
    [(b"x", 0o644, "failed", "chmod 600"), (b"", 0o600, "failed", "is empty"), (b"x", 0o600, "ok", "home")],
)
def test_home_when_a_secret_is_open_or_empty_then_failed(
    look: Examine, home: Home, content: bytes, mode: int, state: str, said: str
) -> None:
    home.webhook_secret.write_bytes(content)
    home.webhook_secret.chmod(mode)
    found = look()["home"]
    assert (found.state, said in found.found) == (state, True)


def test_home_when_others_may_read_it_then_a_warning_with_the_command(look: Examine, home: Home) -> None:
    home.root.chmod(0o755)
    found = look()["home"]
    assert (found.state, found.remedy) == ("warning", f"chmod 700 {home.root}")


def test_clock_when_a_journal_was_written_in_the_future_then_failed(look: Examine, home: Home) -> None:
    folder = home.root / "journals" / "simulated"
    folder.mkdir()
    (folder / "inbox.db").touch()
    (folder / "gone").symlink_to("nowhere")
    assert look()["clock"].state != "failed"
    os.utime(folder / "inbox.db", (time.time() + 3_600,) * 2)
    assert look()["clock"].state == "failed"


def test_port_when_it_is_taken_then_by_whom_unless_it_is_this_desk(
    look: Examine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        monkeypatch.setenv("FKS_SERVE__PORT", str(port))
        found = look()["port"]
        assert (found.state, f"(pid {os.getpid()})" in found.found) == ("failed", True)
        pretend_running(home, port)
        assert look()["port"].found == f"{port} is held by this desk"


def test_port_when_the_host_cannot_be_bound_then_that_is_a_finding(look: Examine) -> None:
    found = look("serve: {host: 203.0.113.7}\nfeed: {spec: simulated}")["port"]
    assert (found.state, "cannot bind 203.0.113.7" in found.found) == ("failed", True)


def test_feed_when_recordings_are_named_then_they_are_read(look: Examine, tmp_path: Path) -> None:
    bars = batches(10)
    spec = write_files(tmp_path, bars[:4] + bars[6:])
    found = look(f"feed: {{spec: '{spec}'}}")["feed"]
    assert (found.state, found.found[:40]) == ("ok", "2 recordings are sound; BTC/USDT: 1 gap,")
    (tmp_path / "BTCUSDT-1m.csv").write_text("timestamp,open,high,low,close,volume\noops\n", encoding="utf-8")
    found = look(f"feed: {{spec: '{spec}'}}")["feed"]
    assert (found.state, "BTCUSDT-1m.csv, line 2: 1 fields" in found.found) == ("failed", True)
    found = look("feed: {spec: 'replay:/none/BTCUSDT.csv'}")["feed"]
    assert (found.state, "no such file" in found.found) == ("failed", True)


def test_journals_when_one_is_damaged_then_failed_but_not_once_it_is_set_aside(look: Examine, home: Home) -> None:
    folder = home.root / "journals" / "simulated"
    folder.mkdir()
    SqlJournal(f"sqlite:///{folder / 'journal.db'}", lambda: 1).close()
    assert look()["journal"].found == "1 readable"
    (folder / "journal.db").write_bytes(b"no database" * 1_000)
    for log in folder.glob("journal.db-*"):
        log.unlink()
    found = look()["journal"]
    assert (found.state, "is damaged" in found.found, "--new" in found.remedy) == ("failed", True, True)
    folder.rename(folder.with_name("simulated.20260101-000000"))
    assert look()["journal"].found == "none yet"


def test_journals_when_one_is_elsewhere_then_that_is_read(look: Examine, tmp_path: Path) -> None:
    text = f"feed: {{spec: simulated}}\njournal: {{url: 'sqlite:///{tmp_path}/j.db'}}"
    assert look(text)["journal"].state == "warning"
    SqlJournal(f"sqlite:///{tmp_path}/j.db", lambda: 1).close()
    assert look(text)["journal"].found == "1 readable"


@pytest.mark.parametrize(
    ("desk", "state", "said"),
    [
        (FakeDesk(), "ok", "running at http://127.0.0.1:"),
        (FakeDesk(down=True), "warning", "the desk does not"),
        (FakeDesk(quality=HALF_BLIND), "warning", "nothing is bought: 1 of 2 data sources fail"),
    ],
)
def test_desk_when_its_edge_answers_then_how_the_desk_is(
    look: Examine, serve: Serve, desk: FakeDesk, state: str, said: str
) -> None:
    serve(desk=desk)
    found = look()["desk"]
    assert (found.state, said in found.found) == (state, True)


def test_desk_when_its_note_is_stale_or_damaged_then_failed_with_what_to_do(look: Examine, home: Home) -> None:
    pretend_running(home, 9, token=TOKEN)
    stale = look()["desk"]
    (home.run / "desk.json").write_text("{", encoding="utf-8")
    damaged = look()["desk"]
    assert (stale.state, damaged.state) == ("failed", "failed")
    assert "nothing answers at http://127.0.0.1:9" in stale.found
    assert damaged.remedy == "fks down, then fks up"


def test_doctor_when_something_failed_then_exit_1_in_both_forms(look: Examine, home: Home, tmp_path: Path) -> None:
    look()
    home.api_token.touch(0o600)
    args = ("doctor", "--config", str(tmp_path / "my.yaml"))
    table, facts = fks_here(*args), fks_here(*args, "--json")
    assert (table.code, facts.code) == (1, 1)
    assert f"{home.api_token} is empty" in table.out
    assert {row["check"] for row in json.loads(facts.out) if row["state"] == "failed"} == {"home"}
