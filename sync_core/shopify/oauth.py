"""The authorization code grant: where a merchant is sent, whether Shopify signed what comes back, the exchange.

Source: Shopify's page "Implement authorization code grant". Knows no tables.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from sync_core.config import Settings
from sync_core.errors import BadSetting, Refused, Unavailable
from sync_core.shopify.domains import shop_url

TIMESTAMP_SECONDS = 90
"""How far a signed query's timestamp may be from our clock."""

EXCHANGE_TIMEOUT = httpx.Timeout(15, connect=5)
UNSIGNED = frozenset({"hmac", "signature"})


@dataclass(frozen=True)
class Grant:
    """What Shopify gave for a code; its repr shows no token."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None
    """Seconds; None: the access token does not expire."""
    refresh_expires_in: float | None
    scopes: str
    """Granted scopes, comma separated, as Shopify wrote them."""


def client_secrets(settings: Settings) -> tuple[str, ...]:
    """The app's client secrets that may sign: the current one, then the old one while rotating.

    Errors: BadSetting when SHOPIFY_API_SECRET is unset.
    """
    both = (settings.shopify_api_secret, settings.shopify_api_secret_old)
    values = tuple(secret.get_secret_value() if secret else "" for secret in both)
    if not values[0]:
        raise BadSetting("SHOPIFY_API_SECRET not configured")
    return tuple(value for value in values if value)


def client_id(settings: Settings) -> str:
    """The app's client id. Errors: BadSetting when SHOPIFY_API_KEY is unset."""
    if not settings.shopify_api_key:
        raise BadSetting("SHOPIFY_API_KEY not configured")
    return settings.shopify_api_key


def authorise_url(domain: str, *, state: str, settings: Settings) -> str:
    """Shopify's page on which the merchant grants our scopes. Errors: BadInput, BadSetting."""
    query = {
        "client_id": client_id(settings),
        "scope": settings.shopify_scopes,
        "redirect_uri": f"{settings.app_url}/auth/callback",
        "state": state,
    }
    return f"{shop_url(domain, settings)}/admin/oauth/authorize?{urlencode(query)}"


def signature(query: Mapping[str, str], secret: str) -> str:
    """Shopify's `hmac` of a query: hex SHA-256 over the sorted pairs without `hmac` and `signature`."""
    message = urlencode(sorted((name, value) for name, value in query.items() if name not in UNSIGNED))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def is_signed(query: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Whether one of the secrets signed this query."""
    given = query.get("hmac", "").encode()
    return any(hmac.compare_digest(given, signature(query, secret).encode()) for secret in secrets)


def is_timely(query: Mapping[str, str], now: datetime) -> bool:
    """Whether the query's `timestamp` (epoch seconds) is within TIMESTAMP_SECONDS of now."""
    stamp = query.get("timestamp", "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return False
    return abs(now.timestamp() - int(stamp)) <= TIMESTAMP_SECONDS


def exchange(domain: str, code: str, *, settings: Settings, http: httpx.Client) -> Grant:
    """The shop's token pair for a code; a code works once.

    Redirects are not followed: the client secret goes to the shop's own host only.
    Errors: BadInput, BadSetting; Refused (HTTP 4xx: bad or used code); Unavailable (anything else).
    """
    body = {
        "client_id": client_id(settings),
        "client_secret": client_secrets(settings)[0],
        "code": code,
        "expiring": "1",  # the default would be a token that the Admin API no longer takes
    }
    url = f"{shop_url(domain, settings)}/admin/oauth/access_token"
    try:
        reply = http.post(
            url,
            json=body,
            headers={"Accept": "application/json"},
            follow_redirects=False,
            timeout=EXCHANGE_TIMEOUT,
        )
    except httpx.HTTPError as error:
        raise Unavailable(f"the code exchange got no answer: {type(error).__name__}") from None
    return _grant(reply)


def _grant(reply: httpx.Response) -> Grant:
    request_id = reply.headers.get("x-request-id")
    if reply.status_code != 200:
        kind = Refused if 400 <= reply.status_code < 500 and reply.status_code != 429 else Unavailable
        message = f"the code exchange was answered {reply.status_code}"
        raise kind(message, status=reply.status_code, request_id=request_id)
    try:
        return read_grant(reply.json())
    except (ValueError, TypeError, KeyError):
        raise Unavailable("the code exchange's answer is no token", status=200, request_id=request_id) from None


def read_grant(answer: Any) -> Grant:
    """The grant in Shopify's answer. Errors: KeyError, TypeError, ValueError when it is none."""
    token, refresh = answer["access_token"], answer.get("refresh_token")
    if not (isinstance(token, str) and token and isinstance(refresh, str | None)):
        raise ValueError("access_token or refresh_token is no text")
    return Grant(
        access_token=token,
        refresh_token=refresh or None,
        expires_in=_seconds(answer.get("expires_in")),
        refresh_expires_in=_seconds(answer.get("refresh_token_expires_in")),
        scopes=str(answer.get("scope") or ""),
    )


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)
