"""Who may send: signature, secret, certificate, address."""

import json
from typing import Any

import pytest

from fks_actors.model.records import Signal
from fks_actors.webhook.authenticity import signature
from fks_actors.webhook.config import WebhookConfig
from fks_actors.webhook.intake import refused_at_door
from fks_actors.webhook.peers import Caller, Peers, read_address
from fks_actors.webhook.refused import Refused
from tests.unit.webhook.test_intake import (
    GOOD,
    NOW_MS,
    SECRET,
    STRANGER,
    receive,
    with_proof,
)

RIGHT = ""


@pytest.mark.parametrize(
    ("shown", "ok"),
    [
        ({"header": RIGHT}, True),
        ({"given_secret": SECRET}, True),
        ({"header": RIGHT, "given_secret": SECRET}, True),
        ({}, False),
        ({"header": "sha256=00"}, False),
        ({"header": "sha256="}, False),
        ({"header": "é"}, False),
        ({"given_secret": "wrong"}, False),
        ({"given_secret": ""}, False),
        ({"given_secret": 5}, False),
        ({"given_secret": None}, False),
        ({"given_secret": "\ud800"}, False),
        ({"header": RIGHT, "given_secret": "wrong"}, False),
        ({"header": "sha256=00", "given_secret": SECRET}, False),
        ({"given_secret": SECRET, "require": ("hmac",)}, False),
        ({"header": RIGHT, "require": ("body_secret",)}, False),
        ({"given_secret": SECRET, "secret": None}, False),
    ],
    ids=str,
)
def test_receive_when_proof_is_given_then_only_right_ones_pass(shown: dict[str, Any], ok: bool) -> None:
    result = with_proof(**shown)
    assert isinstance(result, Signal) if ok else isinstance(result, Refused) and result.status == 401


def test_receive_when_signature_is_bare_hex_or_upper_case_then_accepted() -> None:
    raw = json.dumps(GOOD).encode()
    for header in (
        signature(raw, SECRET).removeprefix("sha256="),
        signature(raw, SECRET).upper().replace("SHA", "sha"),
    ):
        assert isinstance(receive(raw, {"x-signature": header}), Signal)


def test_prove_when_sender_is_a_stranger_then_fields_stay_hidden() -> None:
    result = receive(b'{"nonsense":1}', {})
    assert isinstance(result, Refused)
    assert (result.status, result.field) == (401, "")


CERTIFIED = WebhookConfig.model_validate(
    {
        "require": ["client_cert", "hmac"],
        "trusted_proxies": ["10.0.0.0/8"],
        "certificate_subjects": ["CN=TradingView Webhooks"],
        "secret": SECRET,
    }
)
PROXIED = Caller(read_address("52.89.214.238"), via_proxy=True)
SUBJECT = {"x-ssl-client-subject": "CN=TradingView Webhooks,O=TradingView", "x-ssl-client-verify": "SUCCESS"}


@pytest.mark.parametrize(
    ("headers", "caller", "ok"),
    [
        (SUBJECT, PROXIED, True),
        ({**SUBJECT, "x-ssl-client-verify": "0"}, PROXIED, True),
        ({**SUBJECT, "x-signature": "RIGHT"}, PROXIED, True),
        (SUBJECT, STRANGER, False),
        ({**SUBJECT, "x-ssl-client-verify": "FAILED:self signed"}, PROXIED, False),
        ({"x-ssl-client-subject": SUBJECT["x-ssl-client-subject"]}, PROXIED, False),
        ({**SUBJECT, "x-ssl-client-subject": "CN=evil"}, PROXIED, False),
        ({**SUBJECT, "x-ssl-client-subject": "CN=evil, CN=TradingView Webhooks"}, PROXIED, False),
        ({**SUBJECT, "x-ssl-client-subject": ""}, PROXIED, False),
        ({**SUBJECT, "x-signature": "sha256=00"}, PROXIED, False),
        ({**SUBJECT, "x-ssl-client-subject": "CN=evil", "x-signature": "RIGHT"}, PROXIED, False),
        ({**SUBJECT, "x-ssl-client-subject": "CN=evil", "x-signature": "RIGHT"}, STRANGER, True),
    ],
    ids=range(12),
)
def test_prove_when_a_certificate_is_shown_then_only_a_trusted_proxys_word_counts(
    headers: dict[str, str], caller: Caller, ok: bool
) -> None:
    raw = json.dumps(GOOD).encode()
    given = {name: signature(raw, SECRET) if value == "RIGHT" else value for name, value in headers.items()}
    result = receive(raw, given, NOW_MS, CERTIFIED, caller)
    assert isinstance(result, Signal) if ok else isinstance(result, Refused) and result.status == 401


def test_prove_when_only_certificates_are_asked_for_then_no_secret_is_needed() -> None:
    config = CERTIFIED.model_copy(update={"secret": None})
    assert isinstance(receive(json.dumps(GOOD).encode(), SUBJECT, NOW_MS, config, PROXIED), Signal)


@pytest.mark.parametrize(
    ("announced", "peer", "status"),
    [
        *(("", "52.32.178.7", 0), ("8192", "52.32.178.7", 0), ("-1", "52.32.178.7", 0), ("²", "52.32.178.7", 0)),
        *(("8193", "6.6.6.6", 413), ("9" * 40, "52.32.178.7", 413), ("10", "6.6.6.6", 403), ("", "", 403)),
    ],
)
def test_door_when_size_or_address_is_wrong_then_size_is_told_first(announced: str, peer: str, status: int) -> None:
    refused = refused_at_door(announced, Caller(read_address(peer)), Peers.named(["tradingview"], []))
    assert (refused.status if refused else 0) == status
