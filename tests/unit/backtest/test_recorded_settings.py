"""The settings that a run's record holds are those that it ran under, without secrets."""

import hashlib
import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

from fks_actors.backtest.council import council
from fks_actors.backtest.recorded_settings import settings_of, venues_of, with_settings, written
from fks_actors.backtest.run import desk_config
from fks_actors.desk.config import PAPER, VenuePlan
from fks_actors.errors import ConfigError
from fks_actors.execution.config import default_rules
from fks_actors.journal.codec import decode, encode
from fks_actors.model.records import RunRecord
from fks_actors.settings import Settings, default_config, load
from tests.recorded_desk import settings

BTC = "BTC/USDT"
PLAN = VenuePlan(PAPER, PAPER, False, {BTC: default_rules(BTC, Settings().paper)}, (BTC,))
RUN = RunRecord("r1", 1, "replay:x", False, (BTC,), 300_000, Decimal(10_000), "0.1.0")


def recorded(config: Settings) -> RunRecord:
    """The record as the journal gives it back."""
    run = with_settings(RUN, config, (PLAN,), {PAPER: Decimal(10_000)})
    back = decode(encode(run))
    assert back == run
    assert isinstance(back, RunRecord)
    return back


@pytest.mark.parametrize("config", [Settings(), settings(minds=("asmbtr",)), load(default_config(), {}).settings])
@pytest.mark.parametrize("interval_ms", [60_000, 300_000, 3_600_000, 86_400_000])
def test_settings_when_read_back_then_the_desk_and_the_minds_are_the_same(config: Settings, interval_ms: int) -> None:
    back = settings_of(recorded(config), settings())
    for room in ("market", "memory", "risk", "paper", "desk", "llm", "routing", "venues"):
        assert getattr(back, room) == getattr(config, room)
    assert desk_config(back, (PLAN,), PAPER) == desk_config(config, (PLAN,), PAPER)
    was, now = config.agents.forecast.for_bars(interval_ms), back.agents.forecast.for_bars(interval_ms)
    assert was == now
    assert [mind.agent for mind in council(back, interval_ms)] == [m.agent for m in council(config, interval_ms)]


def test_settings_when_a_default_changes_later_then_the_record_has_the_old_one() -> None:
    assert json.loads(written(Settings()))["agents"]["debate"]["threshold"] == Settings().agents.debate.threshold


def test_settings_when_urls_have_passwords_then_none_is_written() -> None:
    environ = {"FKS_JOURNAL__URL": "postgresql://me:hunter3@h/d", "FKS_REDIS__URL": "redis://me:hunter4@h:1/0"}
    config = load(default_config(), environ).settings
    assert "hunter3" in config.journal.url
    assert "hunter4" in config.redis.url
    venue = config.venues["paper"].model_copy(update={"base_url": "http://me:hunter2@127.0.0.1:9"})
    text = encode(recorded(config.model_copy(update={"venues": {"paper": venue}}))).decode()
    assert "hunter" not in text
    assert "http://me:***@127.0.0.1:9" in text


def test_settings_when_none_were_recorded_then_the_others_count() -> None:
    assert settings_of(RUN, settings()) == settings()


def test_settings_when_they_were_changed_in_the_journal_then_it_is_said() -> None:
    run = recorded(Settings())
    with pytest.raises(ConfigError, match="changed since"):
        settings_of(replace(run, settings=run.settings.replace('"threshold":0.6', '"threshold":0.1')), Settings())


def test_settings_when_this_code_knows_them_no_more_then_it_is_said() -> None:
    run = recorded(Settings())
    odd = '{"agents": {"of_old": 1}}'
    run = replace(run, settings=odd, settings_digest=hashlib.sha256(odd.encode()).hexdigest())
    with pytest.raises(ConfigError, match="of_old"):
        settings_of(run, Settings())


def test_venues_when_recorded_then_they_are_as_they_were_and_paper_follows_other_settings() -> None:
    dear = Settings().model_copy(update={"paper": Settings().paper.model_copy(update={"taker_fee_bps": Decimal(50)})})
    run = recorded(Settings())
    plans, cash = venues_of(run, dear)
    assert (plans, cash) == ((PLAN,), {PAPER: Decimal(10_000)})
    (anew,), _ = venues_of(run, dear, anew=True)
    assert anew.markets[BTC].taker_fee == Decimal("0.005")
    real = with_settings(RUN, Settings(), (VenuePlan("x", "kraken", True, PLAN.markets),), {"x": Decimal(5)})
    (kept,), _ = venues_of(real, dear, anew=True)
    assert kept.markets == PLAN.markets
