"""What a cluster is started with: environment, folders, ports, handle."""

import os
import socket
from pathlib import Path

import pytest

from fks_actors.cli.cluster.bytecode import bytecode_env
from fks_actors.cli.cluster.handle import ClusterHandle, forget_handle, read_handle, write_handle
from fks_actors.cli.cluster.haproxy_launcher import SOURCE
from fks_actors.cli.cluster.paths import ClusterPaths, lay_out, private_dir
from fks_actors.cli.cluster.ports import free_ports, port_owner, replica_ports
from fks_actors.cli.cluster.processes import find_processes, stop_cluster
from fks_actors.cli.cluster.ray_head import driver_env
from fks_actors.cli.cluster.serve_env import ProxyPorts, haproxy_env, python_env
from fks_actors.errors import ClusterError

PORTS = ProxyPorts(stats=1, metrics=2, fallback=3, replicas=(30_000, 30_199))
NODE_ID = "f" * 56


def test_haproxy_env_when_home_is_deep_then_sockets_fit_into_a_unix_address(tmp_path: Path) -> None:
    paths = ClusterPaths(tmp_path / ("deep/" * 40) / "run")
    env = haproxy_env(paths, PORTS)
    for name in ("RAY_SERVE_HAPROXY_SOCKET_PATH", "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH"):
        folder, file = os.path.split(env[name])
        assert len(f"{folder}/{NODE_ID}/{file}.4194304.tmp") <= 107
    assert len(f"{paths.ray}/session_2026-11-23_07-32-07_202593_4194304/sockets/plasma_store") <= 107


def test_serve_env_when_proxy_is_haproxy_then_only_it_is_believed(tmp_path: Path) -> None:
    assert haproxy_env(ClusterPaths(tmp_path), PORTS)["FORWARDED_ALLOW_IPS"] == SOURCE
    assert python_env()["FORWARDED_ALLOW_IPS"] not in ("", "*", "127.0.0.1")


def test_serve_env_when_mode_changes_then_each_says_so(tmp_path: Path) -> None:
    assert haproxy_env(ClusterPaths(tmp_path), PORTS)["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    assert python_env()["RAY_SERVE_ENABLE_HA_PROXY"] == "0"


def test_bytecode_env_when_python_keeps_it_then_nothing_is_set(tmp_path: Path) -> None:
    assert bytecode_env({}, tmp_path, True) == {}


@pytest.mark.parametrize(("environ", "writable"), [({"PYTHONDONTWRITEBYTECODE": "1"}, True), ({}, False)])
def test_bytecode_env_when_it_would_be_lost_then_a_cache_is_named(
    environ: dict[str, str], writable: bool, tmp_path: Path
) -> None:
    found = bytecode_env(environ, tmp_path, writable)
    assert found == {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}


def test_bytecode_env_when_the_user_chose_a_cache_then_it_stays(tmp_path: Path) -> None:
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/mine"}
    assert "PYTHONPYCACHEPREFIX" not in bytecode_env(environ, tmp_path, True)


def test_lay_out_when_new_then_everything_is_private(tmp_path: Path) -> None:
    paths = ClusterPaths(tmp_path / "run")
    lay_out(paths)
    try:
        for folder in (paths.run, paths.runtime, paths.ray, paths.haproxy):
            assert folder.stat().st_mode & 0o777 == 0o700
        assert paths.token.stat().st_mode & 0o777 == 0o600
        assert len(paths.token.read_text(encoding="utf-8")) >= 64
    finally:
        for folder in (paths.ray, paths.haproxy, paths.runtime):
            folder.rmdir()


def test_private_dir_when_it_is_a_link_then_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ClusterError):
        private_dir(tmp_path / "link")


def test_port_owner_when_free_then_none() -> None:
    (port,) = free_ports(1)
    assert port_owner("127.0.0.1", port) is None


def test_port_owner_when_taken_then_it_names_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        owner = port_owner("127.0.0.1", server.getsockname()[1])
    assert owner is not None
    assert str(os.getpid()) in owner


def test_free_ports_when_asked_for_many_then_all_differ() -> None:
    assert len(set(free_ports(8))) == 8


def test_replica_ports_when_named_then_below_the_kernels_own() -> None:
    for name in map(str, range(50)):
        first, last = replica_ports(name)
        assert 30_000 <= first < last < 32_768


def test_read_handle_when_written_then_the_same_and_private(tmp_path: Path) -> None:
    handle = ClusterHandle(owned=True, address="127.0.0.2:1", pid=7, serve_env={"A": "1"})
    write_handle(tmp_path, handle)
    assert read_handle(tmp_path) == handle
    assert (tmp_path / "cluster.json").stat().st_mode & 0o777 == 0o600
    forget_handle(tmp_path)
    assert read_handle(tmp_path) is None


def test_driver_env_when_cluster_is_joined_then_its_own_auth_stays() -> None:
    assert driver_env(ClusterHandle(owned=False, address="127.0.0.1:1")) == {}


def test_driver_env_when_cluster_is_ours_then_token_is_named() -> None:
    env = driver_env(ClusterHandle(owned=True, address="127.0.0.2:1", token_path="/t", serve_env={"A": "1"}))
    assert env["RAY_AUTH_MODE"] == "token"
    assert env["RAY_AUTH_TOKEN_PATH"] == "/t"
    assert env["A"] == "1"


def test_stop_cluster_when_joined_then_nothing_is_touched() -> None:
    report = stop_cluster(ClusterHandle(owned=False, address="127.0.0.1:1"))
    assert not report.ended
    assert not report.killed


def test_find_processes_when_pid_was_given_to_another_then_it_is_not_ours() -> None:
    parent = os.getppid()
    stale = ClusterHandle(
        owned=True, address="", pid=parent, created_s=1.0, cluster_id="x" * 32, runtime_dir="/nowhere"
    )
    assert find_processes(stale) == []
