"""All that can be said against a run without another one."""

import shutil
from pathlib import Path

from fks_actors.adapters.recordings.findings import Kind
from fks_actors.backtest.honesty import DataFlaw, Knowledge, WarmUp, data_flaws, findings_of, warnings_of
from fks_actors.backtest.past import read_past
from fks_actors.backtest.run import run_past
from tests.market import batches, write_files
from tests.unit.backtest.honesty.scene import alone, mind, past_of
from tests.unit.backtest.honesty.test_knowledge import asked


async def test_warnings_when_nothing_speaks_against_the_run_then_there_are_none(tmp_path: Path) -> None:
    past = await past_of(tmp_path)
    result = await run_past(alone(), past, minds=lambda: [mind(lambda c: c.open - c.close)])
    assert warnings_of(alone(), past, result) == ()
    assert [type(found) for found in findings_of(alone(), past, result)] == [WarmUp]


async def test_warnings_when_models_had_a_part_then_what_they_may_remember_is_told(tmp_path: Path) -> None:
    past = await past_of(tmp_path)
    result = await run_past(alone(), past, minds=lambda: [mind(lambda c: c.open - c.close)])
    settings = asked("gpt-4o", "2024-01-01")
    assert warnings_of(settings, past, result) == ()
    (sentence,) = warnings_of(settings, past, result, models=True)
    assert "may remember 100.0 %" in sentence
    kinds = [type(found) for found in findings_of(settings, past, result, models=True)]
    assert kinds == [WarmUp, Knowledge]


async def test_data_flaws_when_bars_are_missing_or_a_symbol_ended_then_a_sentence_each(tmp_path: Path) -> None:
    bars = batches(400)
    spec = write_files(tmp_path, bars[:50] + bars[60:])
    one, other = (Path(path) for path in spec.removeprefix("replay:").split(","))
    rows = other.read_text().splitlines()
    *kept, _ = one.read_text().splitlines()[-1].split(",")
    one.write_text("\n".join([*one.read_text().splitlines()[:-1], ",".join([*kept, "0"])]) + "\n")
    other.write_text("\n".join(rows[:100]) + "\n")
    past = await read_past([str(one), str(other)])
    found = data_flaws(alone(), past)
    assert all(isinstance(each, DataFlaw) and each.is_warning for each in found)
    assert {Kind.GAP, Kind.ENDED} <= {each.flaw.kind for each in found}
    assert found[0].sentence.startswith(f"{one.name}: 1 gap, 10 bars missing")
    assert found[0].sentence.endswith("nothing was traded in the gaps, and stops were not met there.")
    assert f"{one.name}: 1 bar without volume; nobody could have traded in them." in [f.sentence for f in found]
    assert "ETH/USDT ended" in found[-1].sentence


async def test_data_flaws_when_a_gap_lies_outside_of_what_the_run_saw_then_nothing_is_said(tmp_path: Path) -> None:
    bars = batches(400)
    files = write_files(tmp_path, bars[:50] + bars[60:]).removeprefix("replay:").split(",")
    for since, warm, seen in ((100, 30, False), (100, 60, True), (None, 0, True)):
        past = await read_past(files, (since and bars[since].ts_ms, None), warm)
        assert (Kind.GAP in {each.flaw.kind for each in data_flaws(alone(), past)}) == seen


async def test_data_flaws_when_the_files_are_gone_then_nothing_is_said(tmp_path: Path) -> None:
    past = await past_of(tmp_path)
    shutil.rmtree(tmp_path)
    assert data_flaws(alone(), past) == ()
