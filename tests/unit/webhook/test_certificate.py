"""Which certificate subjects are the expected one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.webhook.certificate import matches, read_subject

EXPECTED = "CN=TradingView Webhooks"


@pytest.mark.parametrize(
    "subject",
    [
        EXPECTED,
        "CN=TradingView Webhooks,O=TradingView\\, Inc.,C=US",
        "C=US, O=TradingView, cn=TradingView Webhooks",
        "CN=TradingView\\20Webhooks",
        "O=a+CN=TradingView Webhooks",
    ],
)
def test_match_when_subject_has_the_expected_name_then_it_is_it(subject: str) -> None:
    assert matches(subject, EXPECTED)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "TradingView Webhooks",
        "CN=TradingView Webhooks2",
        "CN=tradingview webhooks",
        "O=TradingView Webhooks",
        "O=CN=TradingView Webhooks",
        "O=x\\,CN=TradingView Webhooks",
        "/CN=TradingView Webhooks",
        "/O=x/CN=TradingView Webhooks",
        "CN=TradingView Webhooks,CN=evil",
        "CN=evil,CN=TradingView Webhooks",
        "CN=TradingView Webhooks, CN=TradingView Webhooks",
        'O="x,CN=TradingView Webhooks"',
        "CN=TradingView Webhooks,",
        ",CN=TradingView Webhooks",
        "CN=TradingView Webhooks;O=x",
        "CN=#0C03",
        "CN=TradingView Webhooks\\",
        "CN=TradingView Webhooks\n",
        "CN=TradingView Webhooks," + "O=x," * 600,
    ],
)
def test_match_when_subject_is_another_then_it_is_not(subject: str) -> None:
    assert not matches(subject, EXPECTED)


def test_match_when_more_is_expected_then_all_of_it_must_be_there() -> None:
    assert matches("CN=a,O=b,C=c", "O=b,CN=a")
    assert not matches("CN=a,O=x,C=c", "O=b,CN=a")
    assert not matches("CN=a", "")


def test_read_when_value_is_escaped_then_it_is_the_plain_text() -> None:
    assert read_subject("CN=M\\C3\\BCller\\, Sohn") == {"CN": ("Müller, Sohn",)}


@given(st.text(max_size=200))
def test_match_when_subject_is_anything_then_it_never_raises(subject: str) -> None:
    assert not matches(subject, EXPECTED) or "TradingView" in subject
