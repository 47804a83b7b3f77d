"""`fks shadows`: what follows the desk on paper, the bad news first."""

import json

from fks_actors.cli.shadows import standing_lines
from tests.cli_runs import fks_here
from tests.fake_desk import SHADOWS, FakeDesk
from tests.unit.cli.conftest import Serve


def test_shadows_when_some_are_kept_then_first_whom_the_desk_is_behind_and_that_nothing_is_traded(
    serve: Serve,
) -> None:
    serve(desk=FakeDesk(shadow_rows=SHADOWS))
    ran = fks_here("shadows")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == (
        "on paper the desk is BEHIND buy_and_hold (by 1.61%), b (by 0.02%); ahead of flat (by 0.50%); "
        "level with twin (as of 2024-12-01 08:00 UTC)"
    )
    row = next(line for line in lines if line.startswith("buy_and_hold"))
    assert row.split() == ["buy_and_hold", "10,210.75", "+2.11%", "1.25%", "2", "1.25", "+0.50%", "+1.61%"]
    assert "c: c.yaml cannot be used: <b>no</b> such file" in lines
    assert "twin: without sentiment, which needs more than bars" in lines
    assert "no decision yet: the interval of b less twin contains 0" in lines
    assert lines[-1] == "paper, shadows: nothing of this is traded; as of 2024-12-01 08:00 UTC"
    assert json.loads(fks_here("shadows", "--json").out) == {"reachable": True, **SHADOWS}


def test_shadows_when_one_is_named_then_its_verdicts_and_an_unknown_name_is_refused(serve: Serve) -> None:
    serve(desk=FakeDesk(shadow_rows=SHADOWS))
    assert fks_here("shadows", "--test", "b").out.splitlines() == [row["told"] for row in SHADOWS["tests"]]
    told = json.loads(fks_here("shadows", "--test", "b", "--json").out)
    assert [row["against"] for row in told["tests"]] == ["desk", "twin"]
    assert [row["name"] for row in told["items"]] == ["b"]
    ran = fks_here("shadows", "--test", "d")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err == "fks: there is no shadow 'd'; there are flat, buy_and_hold, twin, b, c\n"


def test_shadows_when_nobody_keeps_any_then_it_says_what_to_do(serve: Serve) -> None:
    serve(desk=FakeDesk())
    ran = fks_here("shadows")
    assert ran.code == 1
    assert "section `shadows` of the configuration" in ran.err
    assert json.loads(fks_here("shadows", "--json").out)["reachable"] is False


def test_status_when_shadows_are_kept_then_it_tells_whom_the_desk_is_behind(serve: Serve) -> None:
    serve(desk=FakeDesk(shadow_rows=SHADOWS))
    assert "on paper the desk is BEHIND buy_and_hold (by 1.61%)" in fks_here("status").out
    assert json.loads(fks_here("status", "--json").out)["shadows"]["items"][1]["name"] == "buy_and_hold"


def test_standing_lines_when_a_difference_prints_as_nothing_then_they_are_level_and_the_instant_is_told() -> None:
    rows = [{"name": n, "difference": d} for n, d in (("flat", "0.00004"), ("sma", "-0.0012"), ("hold", "-0.00001"))]
    (line,) = standing_lines({"items": rows, "clock_ms": 1_704_067_200_000})
    assert (
        line.plain == "on paper the desk is ahead of sma (by 0.12%); level with flat, hold (as of 2024-01-01 00:00 UTC)"
    )
    assert not line.style
