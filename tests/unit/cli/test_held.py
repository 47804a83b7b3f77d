"""Which cluster a home holds: a damaged note must never name a stranger's processes."""

import json
from dataclasses import asdict, replace

import pytest

from fks_actors.cli.cluster.handle import ClusterHandle, read_handle, write_handle
from fks_actors.cli.cluster.paths import ClusterPaths
from fks_actors.cli.held import held_cluster, refuse_second
from fks_actors.errors import AlreadyRunning
from fks_actors.home import Home
from tests.cli_runs import pretend_running

SOUND = ClusterHandle(True, "127.0.0.2:6379", 2**22 + 1, 1.0, "id", "/tmp/fks-0123456789")
JOINED = ClusterHandle(False, "127.0.0.1:1")


def test_held_when_nothing_was_started_then_none(home: Home) -> None:
    assert held_cluster(home) is None
    refuse_second(home)


@pytest.mark.parametrize("handle", [SOUND, JOINED])
def test_held_when_the_note_is_sound_then_it_is_that(home: Home, handle: ClusterHandle) -> None:
    write_handle(home.run, handle)
    assert held_cluster(home) == handle


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"owned": true}', '{"owned": true, "address": ""}'])
def test_held_when_the_note_is_garbage_then_only_what_names_our_folder_is_ours(home: Home, text: str) -> None:
    (home.run / "cluster.json").write_text(text, encoding="utf-8")
    _assert_harmless(home)


@pytest.mark.parametrize(
    "wrong",
    [
        {"runtime_dir": ""},
        {"runtime_dir": "/"},
        {"runtime_dir": "/tmp"},
        {"runtime_dir": "/tmp/fks-0123456789/../.."},
        {"runtime_dir": None},
        {"pid": 0},
        {"pid": -1},
        {"pid": 2**40},
        {"pid": "1"},
        {"created_s": "now"},
        {"cluster_id": None},
        {"address": 5},
        {"owned": "yes"},
    ],
)
def test_held_when_a_field_is_wrong_then_only_what_names_our_folder_is_ours(
    home: Home, wrong: dict[str, object]
) -> None:
    (home.run / "cluster.json").write_text(json.dumps({**asdict(SOUND), **wrong}), encoding="utf-8")
    _assert_harmless(home)


def _assert_harmless(home: Home) -> None:
    held = held_cluster(home)
    assert held is not None
    assert held == ClusterHandle(True, "", runtime_dir=str(ClusterPaths(home.run).runtime))
    assert (held.pid, held.cluster_id) == (0, "")


def test_refuse_second_when_the_head_has_crashed_then_its_note_is_cleared(home: Home) -> None:
    write_handle(home.run, SOUND)
    refuse_second(home)
    assert read_handle(home.run) is None


def test_refuse_second_when_the_cluster_was_joined_then_a_noted_desk_counts(home: Home) -> None:
    write_handle(home.run, replace(JOINED))
    refuse_second(home)
    pretend_running(home, 1)
    with pytest.raises(AlreadyRunning, match=r"on the cluster at 127\.0\.0\.1:1; end it with `fks down`"):
        refuse_second(home)
