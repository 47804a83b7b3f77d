"""What an alert must satisfy. Frozen; unknown keys are refused."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from fks_actors.webhook.certificate import read_subject
from fks_actors.webhook.peers import read_networks

_HEADER = re.compile(r"[a-z0-9-]{1,64}")
Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


class Proof(StrEnum):
    """How a sender shows that it may trade."""

    HMAC = "hmac"
    BODY_SECRET = "body_secret"  # noqa: S105 (a kind of proof)
    CLIENT_CERT = "client_cert"


class WebhookRules(BaseModel):
    """What may stand in a config file: everything but the secret.

    `require`: the proofs that are looked at; any one of them suffices, but none that is given may be wrong.
    `allowed_peers`: addresses, networks and presets (tradingview, loopback, any) that alerts are taken from; empty for
    all. `trusted_proxies`: whose `X-Forwarded-For` and certificate headers count. `certificate_subjects`: the subjects
    (`CN=TradingView Webhooks`) of client certificates that suffice; such a proxy must set both headers itself, whatever
    the sender wrote there: the subject as RFC 4514 has it, and `SUCCESS` or `0` where it verified the certificate.
    `symbols`: the allow-list, empty for every symbol that the desk trades. `max_quantity` in base, `max_value` in
    quote. `rate_limit_per_minute` and `burst` hold for a peer: at one replica, or at all where Redis is configured.
    Alerts that prove no sender have as many again, at each replica.
    `exchanges`: more names under which an alert may call the desk's venue; the first is the desk's own.
    `mode`: direct alerts become orders; advisory ones are heard as a vote in the next debate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    require: tuple[Proof, ...] = Field(default=(Proof.HMAC, Proof.BODY_SECRET), min_length=1)
    allowed_peers: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    certificate_header: str = "x-ssl-client-subject"
    certificate_verify_header: str = "x-ssl-client-verify"
    certificate_subjects: tuple[str, ...] = ()
    max_age_s: int = Field(default=300, ge=1, le=86_400)
    max_future_s: int = Field(default=60, ge=0, le=86_400)
    replay_window_s: int = Field(default=600, ge=1, le=604_800)
    min_confidence: Decimal = Field(default=Decimal("0.6"), ge=0, le=1)
    symbols: tuple[str, ...] = ()
    max_quantity: Positive | None = None
    max_value: Positive | None = None
    rate_limit_per_minute: int = Field(default=100, ge=1, le=1_000_000)
    burst: int = Field(default=100, ge=1, le=1_000_000)
    exchanges: tuple[str, ...] = Field(default=("paper",), min_length=1)
    mode: Literal["direct", "advisory"] = "direct"

    @field_validator("allowed_peers")
    @classmethod
    def _are_peers(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        read_networks(given)
        return given

    @field_validator("trusted_proxies")
    @classmethod
    def _are_proxies(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if any(network.prefixlen == 0 for network in read_networks(given)):
            raise ValueError("whoever may be a proxy may forge any address: name the proxies' own networks")
        return given

    @field_validator("certificate_header", "certificate_verify_header")
    @classmethod
    def _is_header(cls, given: str) -> str:
        if not _HEADER.fullmatch(given.lower()):
            raise ValueError(f"{given!r} is no header's name; use letters, digits and dashes")
        return given.lower()

    @field_validator("certificate_subjects")
    @classmethod
    def _are_subjects(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for subject in given:
            if read_subject(subject) is None:
                raise ValueError(f"{subject!r} is no certificate subject; write CN=name, or CN=name,O=organisation")
        return given

    @model_validator(mode="after")
    def _certificates_can_be_checked(self) -> Self:
        if Proof.CLIENT_CERT in self.require and not (self.certificate_subjects and self.trusted_proxies):
            raise ValueError("client_cert in require needs certificate_subjects, and trusted_proxies that verify them")
        return self


class WebhookConfig(WebhookRules):
    """The webhook's rules and its secret. Without one, and without client certificates, every alert is refused (401):
    there is no open mode."""

    secret: SecretStr | None = None

    @field_validator("secret")
    @classmethod
    def _not_blank(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            raise ValueError("the webhook secret is blank; leave it out or give one")
        return secret
