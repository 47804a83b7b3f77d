"""Who sent it: proofs over the raw bytes, compared in constant time.

A proof that is given must be right even where another one is right too: a sender with a wrong signature is
misconfigured, or not the one it says.
"""

import hmac
from collections.abc import Iterator, Mapping

from fks_actors.webhook.certificate import VERIFIED, matches
from fks_actors.webhook.config import Proof, WebhookConfig
from fks_actors.webhook.refused import Refused

SIGNATURE_HEADER = "x-signature"
PREFIX = "sha256="


def signature(raw: bytes, secret: str) -> str:
    """The value of `X-Signature` for a body: `sha256=` and the hex HMAC-SHA256 of the raw bytes."""
    return PREFIX + _digest(raw, secret)


def unproven(
    raw: bytes, headers: Mapping[str, str], given_secret: object, config: WebhookConfig, via_proxy: bool = False
) -> Refused | None:
    """The refusal of an alert that does not prove its sender, or None.

    Args:
        raw: the body as received.
        headers: header values by lower-case name.
        given_secret: what stood in the body under `secret`; None where nothing did or the body is no JSON object.
        config: the rules.
        via_proxy: whether the direct peer is a trusted proxy: only then does a certificate header count.
    """
    if config.secret is None and Proof.CLIENT_CERT not in config.require:
        return _unauthorized("this desk has no webhook secret, so it takes no alerts")
    shown = [*_by_secret(raw, headers, given_secret, config), *(_by_certificate(headers, config) if via_proxy else ())]
    if not shown:
        return _unauthorized("the alert has no signature, secret or certificate that this desk accepts")
    return None if all(shown) else _unauthorized("the signature, the secret or the certificate is wrong")


def _by_secret(raw: bytes, headers: Mapping[str, str], given_secret: object, config: WebhookConfig) -> Iterator[bool]:
    if config.secret is None:
        return
    secret = config.secret.get_secret_value()
    header = headers.get(SIGNATURE_HEADER)
    if Proof.HMAC in config.require and header is not None:
        yield _same(header.strip().removeprefix(PREFIX).lower(), _digest(raw, secret))
    if Proof.BODY_SECRET in config.require and given_secret is not None:
        yield isinstance(given_secret, str) and _same(given_secret, secret)


def _by_certificate(headers: Mapping[str, str], config: WebhookConfig) -> Iterator[bool]:
    """A proxy that got no certificate leaves the subject empty."""
    subject = headers.get(config.certificate_header, "").strip()
    if Proof.CLIENT_CERT in config.require and subject:
        verified = headers.get(config.certificate_verify_header, "").strip() in VERIFIED
        yield verified and any(matches(subject, expected) for expected in config.certificate_subjects)


def _digest(raw: bytes, secret: str) -> str:
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), raw, "sha256").hex()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def _unauthorized(message: str) -> Refused:
    return Refused(401, "unauthorized", message)
