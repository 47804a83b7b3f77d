"""Keys, signatures, time and limits at the venue's gate; and the dice of its faults."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.exchange_sim.codes import VenueRefusal
from fks_actors.adapters.exchange_sim.faults import Faults, Strikes
from fks_actors.adapters.exchange_sim.gate import Keys, Limits, Meter, check_time, signed_part
from fks_actors.errors import ConfigError
from tests.unit.adapters.exchange_sim.venues import NOW_MS

KEYS = Keys("key", "secret")
START = NOW_MS // 86_400_000 * 86_400_000


def test_signature_when_query_and_body_share_it_then_it_is_made_over_both_as_they_came() -> None:
    assert signed_part("a=1&signature=x", "b=%20") == "a=1b=%20"
    assert signed_part("a=1", "b=2&signature=x") == "a=1b=2"
    good = hmac.new(b"secret", b"a=1b=2", hashlib.sha256).hexdigest()
    KEYS.check_signature("a=1b=2", good)
    for payload, given_ in (
        ("a=1b=3", good),
        ("a=1b=2", good[:-1] + "0" * (good[-1] != "0") + "1" * (good[-1] == "0")),
    ):
        with pytest.raises(VenueRefusal) as refusal:
            KEYS.check_signature(payload, given_)
        assert refusal.value.code == -1022


@pytest.mark.parametrize(("given_", "code"), [(None, -2014), ("", -2014), ("nope", -2015)])
def test_key_when_it_is_not_the_accounts_then_401(given_: str | None, code: int) -> None:
    with pytest.raises(VenueRefusal) as refusal:
        KEYS.check_key(given_)
    assert (refusal.value.code, refusal.value.status) == (code, 401)


@pytest.mark.parametrize(
    ("age_ms", "window", "code"),
    [
        (0, None, 0),
        (5_000, None, 0),
        (5_001, None, -1021),
        (-999, None, 0),
        (-1_000, None, -1021),
        (9_000, "10000", 0),
        (0, "60001", -1131),
        (0, "0", -1131),
        (0, "x", -1102),
    ],
)
def test_time_when_a_request_is_old_or_early_then_it_is_refused(age_ms: int, window: str | None, code: int) -> None:
    params = {"timestamp": str(NOW_MS - age_ms)} | ({} if window is None else {"recvWindow": window})
    if not code:
        check_time(params, NOW_MS)
        return
    with pytest.raises(VenueRefusal) as refusal:
        check_time(params, NOW_MS)
    assert refusal.value.code == code


def test_weight_when_a_minute_is_over_then_it_is_new_and_a_ban_outlasts_it() -> None:
    meter = Meter(Limits(weight=10, patience=1, ban_s=120))
    meter.spend(10, START)
    with pytest.raises(VenueRefusal) as first:
        meter.spend(1, START + 20_000)
    assert (first.value.status, first.value.retry_after_s) == (429, 40)
    with pytest.raises(VenueRefusal) as second:
        meter.spend(1, START + 30_000)
    assert (second.value.status, second.value.retry_after_s) == (418, 120)
    with pytest.raises(VenueRefusal) as third:
        meter.spend(1, START + 90_000)
    assert (third.value.status, third.value.retry_after_s) == (418, 60)
    meter.spend(1, START + 150_000)
    assert meter.headers()["X-MBX-USED-WEIGHT-1M"] == "1"


@given(st.lists(st.integers(0, 30_000), max_size=40))
def test_orders_when_counted_then_no_window_holds_more_than_its_limit(waits: list[int]) -> None:
    meter, now = Meter(Limits(orders_10s=3, orders_day=12)), START
    taken: list[int] = []
    refused: list[tuple[int, int, bool]] = []
    for wait in waits:
        now += wait
        try:
            meter.spend_orders(1, now)
        except VenueRefusal as refusal:
            refused.append((refusal.code, refusal.status, refusal.retry_after_s > 0))
        else:
            taken.append(now)
    assert set(refused) <= {(-1015, 429, True)}
    for window, limit in ((10_000, 3), (86_400_000, 12)):
        assert all(sum(t // window == at // window for t in taken) <= limit for at in taken)


def test_faults_when_a_rule_has_a_count_then_it_ends_by_itself_and_only_matching_requests_use_it() -> None:
    faults = Faults(1)
    faults.add({"kind": "drop_reply", "method": "POST", "path": "/order$", "count": 2})
    assert faults.strike("GET", "/api/v3/order") == Strikes()
    assert faults.strike("POST", "/api/v3/order/test") == Strikes()
    assert [faults.strike("POST", "/api/v3/order").drop_reply for _ in range(3)] == [True, True, False]
    assert not faults.rules


def test_faults_when_they_go_by_chance_then_the_seed_decides() -> None:
    runs = []
    for seed in (1, 1, 2):
        faults = Faults(seed)
        faults.add({"kind": "latency", "ms": 10, "jitter_ms": 90, "probability": 0.5})
        runs.append([faults.strike("GET", "/").latency_ms for _ in range(50)])
    assert runs[0] == runs[1] != runs[2]
    assert 10 < sum(ms > 0 for ms in runs[0]) < 40


@pytest.mark.parametrize("rule", [{}, {"kind": "storm"}, {"kind": "latency", "path": "("}, {"kind": "latency", "x": 1}])
def test_faults_when_a_rule_makes_no_sense_then_it_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Faults(1).add(rule)
