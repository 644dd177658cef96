"""Signatures of webhooks, by Standard Webhooks: made with every secret in force, checked without surprises."""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from agentflow.errors import RequestError

PREFIX = "whsec_"


def new_secret() -> str:
    """A secret of 32 bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(given: list[str], message: str, body: bytes) -> dict[str, str]:
    """The headers of a message, signed now with each of the secrets."""
    at = datetime.now(UTC)
    signatures = [Webhook(secret).sign(message, at, body.decode()) for secret in given]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> Any:
    """The JSON of a message that was signed with `secret` within the last five minutes.

    For receivers. Raises RequestError (`unauthorized`) for any other, whatever is wrong with it.
    """
    try:
        return Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError) as error:
        raise RequestError("The message is not signed as it should be.", code="unauthorized") from error
