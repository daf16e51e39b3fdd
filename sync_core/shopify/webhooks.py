"""Whether Shopify signed a webhook, and what its headers say. Knows no tables, makes no calls."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sync_core.errors import BadInput
from sync_core.shopify.domains import shop_domain

UNINSTALLED = "app/uninstalled"
LONGEST_HEADER = 255
TOPIC = re.compile(r"[a-z_]+(?:/[a-z_]+)+")


@dataclass(frozen=True)
class Delivery:
    """What the headers of one delivery say."""

    webhook_id: str
    topic: str
    shop_domain: str
    triggered_at: datetime | None
    """UTC; None when the header is missing or no moment."""


def is_signed(raw: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets signed these raw bytes (X-Shopify-Hmac-Sha256, base64)."""
    return any(hmac.compare_digest(given.encode(), signature(raw, secret)) for secret in secrets)


def signature(raw: bytes, secret: str) -> bytes:
    """Shopify's signature of a webhook's body."""
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest())


def read_headers(headers: Mapping[str, str]) -> Delivery:
    """The delivery that these headers (names in any case) describe.

    Errors: BadInput naming the header that is missing or wrong.
    """
    given = {name.lower(): value for name, value in headers.items()}
    topic = _required(given, "x-shopify-topic").lower()
    if not TOPIC.fullmatch(topic):
        raise BadInput("x-shopify-topic must look like app/uninstalled", field="x-shopify-topic")
    return Delivery(
        webhook_id=_required(given, "x-shopify-webhook-id"),
        topic=topic,
        shop_domain=shop_domain(_required(given, "x-shopify-shop-domain")),
        triggered_at=_moment(given.get("x-shopify-triggered-at", "")),
    )


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not 0 < len(value) <= LONGEST_HEADER:
        raise BadInput(f"{name} is required", field=name)
    return value


def _moment(text: str) -> datetime | None:
    """Shopify writes nine digits of a second, which fromisoformat cuts to six."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
