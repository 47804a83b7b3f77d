"""The config that Ray 2.60 generates (`haproxy_sample.cfg`), mended; HAProxy itself is the judge of the syntax."""

import subprocess
from pathlib import Path

import pytest

from fks_actors.cli.cluster.haproxy import haproxy_fault, install_launcher
from fks_actors.cli.cluster.haproxy_launcher import SOURCE, UnknownConfig, config_files, mend, mend_file

SAMPLE = (Path(__file__).with_name("haproxy_sample.cfg")).read_text(encoding="utf-8")


def test_mend_when_config_is_rays_then_true_source_is_added_before_any_rule() -> None:
    lines = mend(SAMPLE).splitlines()
    at = lines.index("    bind 127.0.0.1:18000")
    assert lines[at + 1] == "    http-request add-header X-Forwarded-For %[src]"
    assert lines[at + 2].startswith("    http-request set-header X-Request-Disconnect-Disabled ?1 if { path /webhook/")
    assert lines.count(lines[at + 1]) == 1


def test_mend_when_server_is_local_then_it_is_reached_from_the_trusted_address() -> None:
    servers = [line for line in mend(SAMPLE).splitlines() if line.startswith("    server ")]
    assert [line.endswith(f" source {SOURCE}") for line in servers] == [True, False, True]


def test_mend_when_listeners_are_open_then_they_are_closed() -> None:
    mended = mend(SAMPLE)
    assert "    bind 127.0.0.1:22388" in mended
    assert "  bind 127.0.0.1:21907" in mended
    assert "a.sock mode 600 level admin" in mended
    assert "127.0.0.1:514" not in mended


def test_mend_when_edge_binds_all_interfaces_then_it_still_does() -> None:
    assert "    bind *:18000\n" in mend(SAMPLE.replace("bind 127.0.0.1:18000", "bind *:18000"))


def test_mend_when_mended_before_then_nothing_changes() -> None:
    once = mend(SAMPLE)
    assert mend(once) == once


@pytest.mark.parametrize("part", ["frontend http_frontend", "listen stats", "frontend prometheus", "stats socket"])
def test_mend_when_a_part_is_missing_then_it_refuses(part: str) -> None:
    with pytest.raises(UnknownConfig):
        mend(SAMPLE.replace(part, "backend other"))


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["-db", "-f", "/x/h.cfg", "-dR"], ["/x/h.cfg"]),
        (["-db", "-f", "/x/h.cfg", "-sf", "12", "13", "-x", "/x/a.sock"], ["/x/h.cfg"]),
        (["-c", "-f", "/x/h.cfg"], ["/x/h.cfg"]),
        (["-v"], []),
    ],
)
def test_config_files_when_started_reloaded_or_checked_then_the_same_file(
    arguments: list[str], files: list[str]
) -> None:
    assert [str(path) for path in config_files(arguments)] == files


def test_mend_file_when_done_then_file_is_private_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "haproxy.cfg"
    path.write_text(SAMPLE, encoding="utf-8")
    mend_file(path)
    assert path.read_text(encoding="utf-8") == mend(SAMPLE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(bool(haproxy_fault()), reason="no haproxy for this machine")
def test_launcher_when_asked_to_check_then_haproxy_accepts_the_mended_config(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text(SAMPLE.replace("{DIR}", str(tmp_path)), encoding="utf-8")
    (tmp_path / "500.http").write_text("HTTP/1.1 500 Internal Server Error\r\n\r\n", encoding="utf-8")
    launcher = tmp_path / "haproxy"
    install_launcher(launcher)
    checked = subprocess.run([launcher, "-c", "-f", config], capture_output=True, text=True, timeout=20, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"source {SOURCE}" in config.read_text(encoding="utf-8")


@pytest.mark.skipif(bool(haproxy_fault()), reason="no haproxy for this machine")
def test_launcher_when_config_is_unknown_then_haproxy_is_not_started(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    config.write_text("global\ndefaults\n", encoding="utf-8")
    launcher = tmp_path / "haproxy"
    install_launcher(launcher)
    refused = subprocess.run([launcher, "-f", config], capture_output=True, text=True, timeout=20, check=False)
    assert refused.returncode == 1
    assert "haproxy is not started" in refused.stderr
