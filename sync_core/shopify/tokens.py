"""The next pair of a shop's offline tokens: the wire alone; storing it is `token_refresh`'s.

Source: Shopify's pages "Refresh offline access tokens" and "Migrate to expiring offline tokens".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx
import orjson

from sync_core.config import LONGEST_SECONDS, Settings
from sync_core.errors import BadSetting, Held, Unavailable, UnknownApp
from sync_core.shopify.answers import from_transport, raise_for_status
from sync_core.shopify.domains import shop_url
from sync_core.states import Hold

OFFLINE_TOKEN = "urn:shopify:params:oauth:token-type:offline-access-token"
TIMEOUT = httpx.Timeout(15, connect=5)


@dataclass(frozen=True)
class Refreshed:
    """A fresh pair; lifetimes in seconds, None where Shopify named none."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None
    refresh_expires_in: float | None
    scopes: str | None


def refresh(domain: str, refresh_token: str, *, settings: Settings, http: httpx.Client) -> Refreshed:
    """The next pair for this refresh token.

    After a lost answer ask again with the same refresh token: it stays usable until the new one is used.
    Errors: Held(reauthorise) when Shopify refuses the token, of it UnknownApp when it refuses the app; Unavailable
    when it did not answer well; BadSetting without app credentials.
    """
    return _ask(domain, {"grant_type": "refresh_token", "refresh_token": refresh_token}, settings=settings, http=http)


def exchange_lasting(domain: str, access_token: str, *, settings: Settings, http: httpx.Client) -> Refreshed:
    """A pair in place of an offline token that never expires, which the Admin API no longer takes.

    It cannot be undone. After a lost answer ask again with the old token: for 7 days Shopify repeats the pair.
    Errors: as for refresh.
    """
    body = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": access_token,
        "subject_token_type": OFFLINE_TOKEN,
        "requested_token_type": OFFLINE_TOKEN,
        "expiring": "1",
    }
    return _ask(domain, body, settings=settings, http=http)


def _ask(domain: str, body: dict[str, str], *, settings: Settings, http: httpx.Client) -> Refreshed:
    url = f"{shop_url(domain, settings)}/admin/oauth/access_token"
    asked = {**_credentials(settings), **body}
    try:
        response = http.post(url, json=asked, headers={"Accept": "application/json"}, timeout=TIMEOUT)
    except httpx.RequestError as error:
        raise from_transport(error) from error
    if response.status_code != 200:
        _refused(response)
    return _refreshed(response)


def _credentials(settings: Settings) -> dict[str, str]:
    if settings.shopify_api_key is None or settings.shopify_api_secret is None:
        raise BadSetting("SHOPIFY_API_KEY or SHOPIFY_API_SECRET is unset: expected the app's credentials")
    return {
        "client_id": settings.shopify_api_key,
        "client_secret": settings.shopify_api_secret.get_secret_value(),
    }


def _refused(response: httpx.Response) -> NoReturn:
    status = response.status_code
    if status in (400, 401, 403):
        said = f"Shopify refused to refresh the access ({status})"
        if "invalid_client" in response.text:  # only the code is read: the text may hold anything
            raise UnknownApp(Hold.REAUTHORISE, f"{said}: uninstalled, or SHOPIFY_API_SECRET is wrong", status=status)
        raise Held(Hold.REAUTHORISE, f"{said}: its token is no longer valid", status=status)
    raise_for_status(response)


def _refreshed(response: httpx.Response) -> Refreshed:
    """Errors: Unavailable when there is no access token in it. A lifetime that is none counts as not told."""
    try:
        answer: dict[str, Any] = orjson.loads(response.content)
        return Refreshed(
            access_token=_text(answer["access_token"]),
            refresh_token=answer.get("refresh_token") and _text(answer["refresh_token"]),
            expires_in=_seconds(answer.get("expires_in")),
            refresh_expires_in=_seconds(answer.get("refresh_token_expires_in")),
            scopes=answer.get("scope") and _text(answer["scope"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise Unavailable("Shopify's answer to the refresh was not readable", status=200) from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("expected text")
    return value


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value <= LONGEST_SECONDS else None
