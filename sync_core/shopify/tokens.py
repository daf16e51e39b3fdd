"""Refreshing a shop's expiring offline token: the wire alone; storing the pair is `access`'s."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx
import orjson

from sync_core.config import Settings
from sync_core.errors import BadSetting, Held, Unavailable
from sync_core.shopify.answers import from_transport, raise_for_status
from sync_core.shopify.domains import shop_url
from sync_core.states import Hold


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
    Errors: Held(reauthorise) when Shopify refuses the token, Unavailable when it did not answer well,
    BadSetting without app credentials.
    """
    body = {**_credentials(settings), "grant_type": "refresh_token", "refresh_token": refresh_token}
    url = f"{shop_url(domain, settings)}/admin/oauth/access_token"
    try:
        response = http.post(url, json=body, headers={"Accept": "application/json"})
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
    if response.status_code in (400, 401, 403):
        message = f"Shopify refused the refresh token ({response.status_code})"
        raise Held(Hold.REAUTHORISE, message, status=response.status_code)
    raise_for_status(response)


def _refreshed(response: httpx.Response) -> Refreshed:
    try:
        answer: dict[str, Any] = orjson.loads(response.content)
        return Refreshed(
            access_token=answer["access_token"],
            refresh_token=answer.get("refresh_token"),
            expires_in=answer.get("expires_in"),
            refresh_expires_in=answer.get("refresh_token_expires_in"),
            scopes=answer.get("scope"),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise Unavailable("Shopify's answer to the refresh was not readable", status=200) from None
