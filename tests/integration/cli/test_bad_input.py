"""What a user can get wrong ends as a line that says what to do, an exit code, and nothing started or lost.

Where the process itself matters `fks` runs in one of its own. None starts Ray: a head would have left its log.
"""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fks_actors.adapters.sql import SqlJournal
from fks_actors.cli import facts
from fks_actors.cli.cluster.handle import ClusterHandle, write_handle
from fks_actors.cli.cluster.paths import ClusterPaths
from fks_actors.cli.main import app
from fks_actors.home import Home, starting
from tests.cli_runs import FKS, Ran, fks, fks_here, made_home, pretend_running
from tests.journal_scene import only, run, step

HEADER = "timestamp,open,high,low,close,volume\n"
FIRST = "1733011200000,100,101,99,100.5,7\n"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = made_home(tmp_path / "home")
    yield home
    assert not (home.run / "ray-head.log").exists(), "Ray was started"


Up = Callable[..., Ran]


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


@pytest.fixture
def up(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Up:
    """`fks up` that must refuse: one line a fault, no traceback, no secret made, nothing on standard output."""
    for name in ("FKS_API_TOKEN", "FKS_WEBHOOK_SECRET", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (home.run / "haproxy").touch()  # where a folder must be made: whatever is let through cannot start Ray

    def run(*args: str, **environ: str) -> Ran:
        environ = {"FKS_SERVE__PORT": free_port(), **environ}
        for name, value in {"FKS_HOME": str(home.root), **environ}.items():
            monkeypatch.setenv(name, value)
        ran = fks_here("up", "--detach", *args)
        assert ran.code != 0
        assert ran.out == ""
        assert all(line.startswith("fks: ") for line in ran.err.splitlines()), ran.err
        assert not home.api_token.exists() or home.api_token.read_bytes() in (b"", b"kept")
        return ran

    return run


@pytest.mark.parametrize(
    ("args", "environ", "said"),
    [
        (("--speed", "fast"), {}, "--speed fast: write a number (1 is real time) or max"),
        (("--speed", "-1"), {}, "--speed: feed.speed: must be greater than 0 or must be 'max', not -1.0"),
        (("--feed", "nonsense"), {}, "--feed: feed.spec: feed 'nonsense' is unknown; write replay:FILE[,FILE...], "),
        (("--feed", "live:"), {}, "--feed: feed.spec: feed 'live:' names no exchange; write live:EXCHANGE"),
        (("--symbols", "BTC"), {}, "--symbols: feed.symbols: 'BTC' is no symbol; write BASE/QUOTE"),
        (("--symbols", "BTC/USDT,BTCUSDT"), {}, "--symbols: feed.symbols: a symbol is named twice"),
        (("--port", "99999"), {}, "--port: serve.port: must be less than or equal to 65535, not 99999"),
        (("--config", "none.yaml"), {}, "none.yaml: no such config file"),
        (
            (),
            {"FKS_RISK__PER_TRADE_PCT": "abc"},
            "FKS_RISK__PER_TRADE_PCT: risk.per_trade_pct: must be a valid decimal",
        ),
        ((), {"FKS_HOME": "/proc/none"}, "FKS_HOME /proc/none cannot be used"),
        (("--new",), {"FKS_JOURNAL__URL": "sqlite:////tmp/x.db"}, "--new sets aside a journal under FKS_HOME"),
    ],
)
def test_up_when_an_option_or_variable_is_wrong_then_exit_2_and_it_is_named(
    up: Up, home: Home, args: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    ran = up(*args, **environ)
    assert (ran.code, ran.err[: 5 + len(said)]) == (2, f"fks: {said}")


def test_up_when_typer_refuses_then_exit_2_without_a_traceback(home: Home) -> None:
    for args in (("up", "--port", "abc"), ("up", "--nonsense"), ("nonsense",), ("orders", "--limit", "0")):
        ran = fks_here(*args)
        assert (ran.code, ran.out) == (2, "")
        assert "Usage: " in ran.err


def test_up_when_the_config_file_is_wrong_then_every_fault_has_its_line(up: Up, home: Home, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("serve:\n  prot: 8000\nrisk:\n  per_trade_pct: 500\n", encoding="utf-8")
    ran = up("--config", str(file))
    assert (ran.code, ran.err.splitlines()) == (
        2,
        [
            f"fks: {file}:4: risk.per_trade_pct: must be less than or equal to 100, not 500",
            f"fks: {file}:2: serve.prot: unknown key; did you mean serve.port?",
        ],
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("BTCUSDT-1h.csv", None, "no such file"),
        ("BTCUSDT-1h.csv", b"", "the file is empty"),
        ("BTCUSDT-1h.csv", HEADER.encode(), "no bars; the file holds a header only"),
        ("BTCUSDT-1h.csv", b"a,b\n1,2\n", "line 1: no column timestamp, open, high, low, close, volume"),
        ("BTCUSDT-1h.csv", (HEADER + FIRST + "oops\n").encode(), "line 3: 1 fields where the header has 6"),
        ("BTCUSDT-1h.csv", (HEADER + FIRST + FIRST).encode(), "line 3: timestamp 1733011200000 is a duplicate"),
        (
            "BTCUSDT-1h.csv",
            (HEADER + "1733014800000,100,101,99,100,7\n" + FIRST).encode(),
            "line 3: timestamp 1733011200000 comes after 1733014800000: not ascending",
        ),
        ("BTCUSDT-1h.csv", (HEADER + "1733011200000,100,90,99,100,7\n").encode(), "line 2: high 90 is below low 99"),
        ("BTCUSDT-1h.csv", b"\xff\xfe\x00" * 20, "line 1: the header is not text; is this a CSV file?"),
        ("BTCUSDT-1h.csv.gz", b"\x1f\x8bgarbage", "damaged gzip file"),
        ("BTCUSDT-1h.parquet", b"PAR1garbage", "is not a readable Parquet file"),
    ],
)
def test_up_when_a_recording_is_unusable_then_exit_4_and_the_line_is_named(
    up: Up, home: Home, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    ran = up("--feed", f"replay:{path}")
    assert ran.code == 4
    assert str(path) in ran.err
    assert said in ran.err
    assert not list((home.root / "journals").iterdir())


def test_up_when_a_recordings_symbol_cannot_be_told_then_it_says_how_to_write_it(up: Up, home: Home) -> None:
    ran = up("--feed", "replay:missing.csv", HOME=str(home.root))
    assert ran.code == 2
    assert "no symbol in the file name 'missing.csv'; write replay:BTC/USDT=" in ran.err
    ran = up("--feed", "replay:~/BTCUSDT.csv", HOME=str(home.root))
    assert (ran.code, ran.err) == (4, f"fks: {home.root}/BTCUSDT.csv: no such file\n")


def test_up_when_the_port_is_taken_then_its_owner_is_named(up: Up, home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        ran = up("--feed", "simulated", "--port", str(port))
    assert ran.code == 1
    assert f"port {port} is taken by " in ran.err
    assert f"(pid {os.getpid()}); free it or choose another with --port" in ran.err


def test_up_when_another_up_is_starting_then_exit_2(up: Up, home: Home) -> None:
    with starting(home):
        ran = up("--feed", "simulated")
    assert (ran.code, "another `fks up` is starting a desk" in ran.err) == (2, True)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours to end."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    assert process.poll() is None, "a stranger was ended"
    process.kill()
    process.wait()


def _handle_of(process: subprocess.Popen[bytes], runtime: str = "/tmp/fks-0123456789") -> ClusterHandle:
    created_s = psutil.Process(process.pid).create_time()
    return ClusterHandle(True, "127.0.0.2:1", process.pid, created_s, "test", runtime)


def test_up_when_a_desk_runs_then_exit_2_and_it_goes_on(up: Up, home: Home, bystander: subprocess.Popen[bytes]) -> None:
    write_handle(home.run, _handle_of(bystander))
    ran = up("--feed", "simulated", "--port", "1")
    assert ran.code == 2
    assert f"a desk already runs in {home.root} (process {bystander.pid}); see `fks status`" in ran.err
    (home.run / "cluster.json").unlink()


def test_up_when_a_joined_cluster_has_a_desk_then_exit_2(up: Up, home: Home) -> None:
    write_handle(home.run, ClusterHandle(False, "127.0.0.1:1"))
    pretend_running(home, 1)
    ran = up("--feed", "simulated")
    assert (ran.code, "runs on the cluster at 127.0.0.1:1; end it with `fks down`" in ran.err) == (2, True)


def test_down_when_the_clusters_note_is_damaged_then_no_stranger_is_ended_and_it_is_cleared(
    home: Home, bystander: subprocess.Popen[bytes]
) -> None:
    (home.run / "cluster.json").write_text("{", encoding="utf-8")
    (home.run / "desk.json").write_text("{", encoding="utf-8")
    status = fks(home.root, "status")
    assert (status.code, "desk.json is damaged; `fks down` clears it away" in status.err) == (3, True)
    down = fks(home.root, "down")
    assert (down.code, down.out, down.err) == (0, f"no desk ran in {home.root}\n", "")
    assert not list(home.run.glob("*.json"))


def test_up_when_the_note_is_damaged_but_its_processes_live_then_exit_2_and_down_ends_them(up: Up, home: Home) -> None:
    mark = f"{ClusterPaths(home.run).runtime}/r"
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", mark], start_new_session=True)
    (home.run / "cluster.json").write_text("{", encoding="utf-8")
    ran = up("--feed", "simulated")
    assert (ran.code, "cluster.json is damaged, and a desk" in ran.err) == (2, True)
    assert left.poll() is None
    assert fks(home.root, "down").code == 0
    assert left.wait(10) == -signal.SIGKILL


def _journal_of(home: Home, folder: str) -> Path:
    path = home.root / "journals" / folder / "journal.db"
    path.parent.mkdir()
    journal = SqlJournal(f"sqlite:///{path}", lambda: 1)
    journal.commit([step(i) for i in range(50)])
    journal.close()
    return path


@pytest.mark.parametrize(("feed", "folder"), [("simulated", "simulated-7"), ("live:nowhere", "live-nowhere")])
def test_up_when_the_journal_is_damaged_then_exit_5_and_it_is_kept_as_it_is(
    up: Up, home: Home, feed: str, folder: str
) -> None:
    path = _journal_of(home, folder)
    whole = path.read_bytes()
    damaged = whole[:8_192] + os.urandom(8_192) + whole[16_384:]
    path.write_bytes(damaged)
    ran = up("--feed", feed)
    assert ran.code == 5
    assert f"fks: {path} is damaged" in ran.err
    assert "restore a backup" in ran.err
    assert "`fks up --new` sets it aside" in ran.err
    assert path.read_bytes() == damaged


def test_up_when_the_journal_is_of_another_run_then_exit_2_and_it_says_how(up: Up, home: Home) -> None:
    path = home.root / "journals" / "simulated-7" / "journal.db"
    path.parent.mkdir()
    journal = SqlJournal(f"sqlite:///{path}", lambda: 1)
    journal.commit([only("r", "", run("r"))])
    journal.close()
    ran = up("--feed", "simulated")
    assert ran.code == 2
    assert "was written by another run (feed replay there, simulated now; " in ran.err
    assert "bars of 3600 s there, of 60 s now" in ran.err
    assert "`fks up --new`" in ran.err


def test_up_when_the_disk_is_nearly_full_then_exit_5_and_it_says_so(up: Up, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here (no root)")
    try:
        for feed in ("simulated", "live:binance", "auto"):
            ran = up("--feed", feed, FKS_HOME=str(disk / "home"))
            assert ran.code == 5
            assert re.search(r"only \d MiB are free for .*, 200 are needed; free some, or set FKS_HOME", ran.err)
        assert not (disk / "home" / "run" / "ray-head.log").exists()
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [(b"", 0o600, "is empty"), (b"kept", 0o644, "can be read by others (mode 0644); chmod 600 it")],
)
def test_up_when_a_secret_cannot_be_trusted_then_exit_2_and_it_is_left_alone(
    up: Up, home: Home, content: bytes, mode: int, said: str
) -> None:
    home.api_token.write_bytes(content)
    home.api_token.chmod(mode)
    ran = up("--feed", "simulated", "--port", "1")
    assert (ran.code, f"fks: {home.api_token} {said}" in ran.err) == (2, True)
    assert home.api_token.read_bytes() == content


@pytest.mark.parametrize(
    "args",
    [
        ("status",), ("watch",), ("agents",), ("orders",), ("decide", "BTC/USDT"), ("halt",), ("reduce",), ("resume",),
        ("signal", "--symbol", "BTC/USDT", "--side", "buy"),
    ],
)  # fmt: skip
def test_commands_when_no_desk_runs_then_exit_3_and_nothing_is_made(
    home: Home, args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FKS_HOME", str(home.root))
    ran = fks_here(*args)
    assert (ran.code, ran.out, ran.err) == (3, "", f"fks: no desk runs in {home.root}; start one with `fks up`\n")
    assert sorted(path.name for path in home.root.rglob("*")) == ["journals", "run"]


def test_status_when_the_noted_desk_does_not_answer_then_exit_3(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FKS_HOME", str(home.root))
    port = int(free_port())
    pretend_running(home, port, token="t", secret="s")
    for args in (("status",), ("orders", "--json"), ("signal", "--symbol", "BTC/USDT", "--side", "buy")):
        ran = fks_here(*args)
        said = f"fks: nothing answers at http://127.0.0.1:{port}; start the desk with `fks up`\n"
        assert (ran.code, ran.out, ran.err) == (3, "", said)


def test_watch_when_interrupted_then_it_leaves_quietly(home: Home) -> None:
    pretend_running(home, 9, token="t")
    watching = subprocess.Popen(
        [*FKS, "watch"],
        env={**os.environ, "FKS_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert watching.stdout is not None
    assert b"nothing answers" in watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=10)
    assert (watching.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_when_interrupted_while_it_looks_for_the_feed_then_exit_130(
    home: Home, tmp_path: Path, number: signal.Signals
) -> None:
    pipe = tmp_path / "BTCUSDT-1h.csv"
    os.mkfifo(pipe)  # reading it waits for a writer
    starting_up = subprocess.Popen(
        [*FKS, "up", "--feed", f"replay:{pipe}", "--port", free_port()],
        env={**os.environ, "FKS_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    writer = _opened_once_read(pipe, starting_up)
    try:
        starting_up.send_signal(number)
        time.sleep(0.2)  # let it arrive before the reader goes on
    finally:
        os.close(writer)
    _, err = starting_up.communicate(timeout=20)
    assert (starting_up.returncode, err) == (130, b"fks: interrupted\n")


def _opened_once_read(pipe: Path, reader: subprocess.Popen[bytes]) -> int:
    """The pipe's writing end, which opens when the other end has."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        assert reader.poll() is None, reader.communicate()
        assert time.monotonic() < deadline, "nobody reads the pipe"
        time.sleep(0.05)


def test_help_when_asked_then_every_command_and_option_is_explained(home: Home) -> None:
    bare = fks(home.root)
    assert "Usage: fks" in bare.out
    assert "Exit codes: 0 done" in bare.out
    commands = [(command.name or command.callback.__name__, command) for command in app.registered_commands]
    commands += [(f"journal {c.name}", c) for c in facts.journal.registered_commands]
    for name, command in commands:
        shown = fks_here(*name.split(), "--help").out
        assert command.callback.__doc__.split()[0] in shown, name
        lines = [line.strip("│ ") for line in shown.splitlines() if line.startswith(("│ --", "│ *"))]
        assert all(len(line.split(">", 1)[1].split()) >= 2 for line in lines if ">" in line), (name, lines)


def test_fks_when_it_fails_in_a_process_of_its_own_then_one_line_and_the_code(home: Home) -> None:
    for args, code, said in (
        (("up", "--speed", "fast"), 2, "fks: --speed fast: write a number (1 is real time) or max\n"),
        (
            ("up", "--port", free_port(), "--feed", "replay:BTCUSDT.csv"),
            4,
            f"fks: {home.root.parent}/BTCUSDT.csv: no such file\n",
        ),
        (("journal", "show"), 5, f"fks: no journal in {home.root}/journals yet; `fks up` starts one\n"),
    ):
        ran = fks(home.root, *args)
        assert (ran.code, ran.out, ran.err) == (code, "", said)
