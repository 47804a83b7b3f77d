"""What an alert must satisfy. Frozen; unknown keys are refused."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


class Proof(StrEnum):
    """How a sender shows that it may trade."""

    HMAC = "hmac"
    BODY_SECRET = "body_secret"  # noqa: S105 (a kind of proof)


class WebhookRules(BaseModel):
    """What may stand in a config file: everything but the secret.

    `require`: the proofs that are looked at; any one of them suffices, but none that is given may be wrong.
    `symbols`: the allow-list, empty for every symbol that the desk trades. `max_quantity` in base, `max_value` in
    quote. `rate_limit_per_minute` and `burst` hold for a peer at one replica.
    `exchanges`: the names under which an alert may call the desk's venue; the first is the desk's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    require: tuple[Proof, ...] = Field(default=(Proof.HMAC, Proof.BODY_SECRET), min_length=1)
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
    mode: Literal["direct"] = "direct"


class WebhookConfig(WebhookRules):
    """The webhook's rules and its secret. Without one every alert is refused (401): there is no open mode."""

    secret: SecretStr | None = None

    @field_validator("secret")
    @classmethod
    def _not_blank(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            raise ValueError("the webhook secret is blank; leave it out or give one")
        return secret
