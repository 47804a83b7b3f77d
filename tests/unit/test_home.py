"""FKS_HOME: private, made where it is missing, and every state of its files ends as a value or one clear error."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.errors import AlreadyRunning, ConfigError
from fks_actors.home import Home, feed_slug, find_home, known_secret, secret, starting, write_private
from tests.cli_runs import made_home

VARIABLE = "FKS_TEST_SECRET"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return made_home(tmp_path / "home")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here (no root)")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_find_when_nothing_is_there_then_it_is_made_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FKS_HOME", str(tmp_path / "a" / "b"))
    home = find_home()
    assert {path.stat().st_mode & 0o777 for path in (home.root, home.run, home.root / "journals")} == {0o700}
    assert find_home() == home


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/proc/nothing/fks", "FKS_HOME /proc/nothing/fks cannot be used: .*set FKS_HOME to a writable folder"),
        ("/dev/null/fks", "Not a directory"),
        ("/dev/null", "File exists"),
        ("~nobody-of-this-name/fks", "no such home folder"),
        ("/tmp/" + "x" * 300, "File name too long"),
    ],
)
def test_find_when_it_cannot_be_made_then_it_says_what_to_set(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FKS_HOME", value)
    with pytest.raises(ConfigError, match=said):
        find_home()


def test_find_when_its_disk_is_read_only_then_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    monkeypatch.setenv("FKS_HOME", str(disk))
    with mounted(disk, "-o", "size=1m"):
        find_home()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(ConfigError, match="no right to write in it; set FKS_HOME to a writable folder"):
            find_home()


def test_starting_when_another_starts_then_it_is_refused_until_that_one_is_done(home: Home) -> None:
    with starting(home), pytest.raises(AlreadyRunning, match="another `fks up` is starting"), starting(home):
        pass
    with starting(home):
        pass


def test_starting_when_the_lock_cannot_be_made_then_it_is_a_config_error(home: Home) -> None:
    (home.run / "lock").mkdir()
    with pytest.raises(ConfigError, match="lock cannot be locked: Is a directory"), starting(home):
        pass


def test_secret_when_there_is_none_then_one_is_made_for_its_owner_only_and_stays(home: Home) -> None:
    made, is_new = secret(home.api_token, VARIABLE)
    assert is_new
    assert len(made) >= 40
    assert home.api_token.stat().st_mode & 0o777 == 0o600
    assert secret(home.api_token, VARIABLE) == (made, False)
    assert [path.name for path in home.root.iterdir() if path.is_file()] == ["api-token"]


def test_secret_when_the_variable_is_set_then_it_wins_and_nothing_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, " given \n")
    assert secret(home.api_token, VARIABLE) == ("given", False)
    assert not home.api_token.exists()
    monkeypatch.setenv(VARIABLE, "  ")
    assert secret(home.api_token, VARIABLE)[1]


def test_known_secret_when_there_is_none_then_none_is_made(home: Home) -> None:
    assert known_secret(home.api_token, VARIABLE) is None
    assert not home.api_token.exists()


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"", 0o600, "is empty"),
        (b" \n\n", 0o600, "is empty"),
        (b"two\nlines\n", 0o600, "holds no secret, but several lines"),
        (b"\xff\xfe", 0o600, "holds no secret, but other data"),
        (b"fine", 0o644, "can be read by others .mode 0644.; chmod 600 it"),
        (b"fine", 0o660, "can be read by others .mode 0660."),
    ],
)
def test_secret_when_the_file_cannot_be_trusted_then_it_is_refused_and_kept(
    home: Home, content: bytes, mode: int, said: str
) -> None:
    home.api_token.write_bytes(content)
    home.api_token.chmod(mode)
    with pytest.raises(ConfigError, match=f"api-token {said}.*set {VARIABLE}") as caught:
        secret(home.api_token, VARIABLE)
    assert "fine" not in str(caught.value)
    assert home.api_token.read_bytes() == content


def test_secret_when_a_folder_stands_in_its_place_then_it_is_a_config_error(home: Home) -> None:
    home.api_token.mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        secret(home.api_token, VARIABLE)


def test_write_when_the_disk_is_full_then_what_was_there_stays(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "-o", "size=64k"):
        path = disk / "desk.json"
        write_private(path, "first")
        with pytest.raises(ConfigError, match=os.strerror(errno.ENOSPC)):
            write_private(path, "x" * 200_000)
        assert path.read_text(encoding="utf-8") == "first"
        assert [p.name for p in disk.iterdir()] == ["desk.json"]


@pytest.mark.parametrize(
    ("feed", "slug"),
    [
        ("simulated", "simulated"),
        ("simulated-7", "simulated-7"),
        ("live:binance", "live-binance"),
        ("replay:/data/BTCUSDT-1h.csv.gz", "replay-BTCUSDT-1h-"),
        ("replay:BTC/USDT=/data/my bars?.csv,/b.csv", "replay-my-bars--"),
    ],
)
def test_slug_when_feeds_are_told_apart_then_people_can_read_it(feed: str, slug: str) -> None:
    assert feed_slug(feed).startswith(slug)


@given(st.text(min_size=1, max_size=400))
def test_slug_when_given_any_file_then_it_is_one_short_folder_name(name: str) -> None:
    slug = feed_slug(f"replay:{name}")
    assert len(slug) < 100
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in slug)
