"""GET /auth and GET /auth/callback: from a merchant's click to a PENDING shop."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.api.answers import HEADERS
from dashboard.api.bodies import query_of
from dashboard.api.desk import Desk, desk_of
from dashboard.api.oauth_state import Standing, judge, open_state, use
from dashboard.api.security import remember
from sync_core import crash, install
from sync_core.credentials import TokenPair
from sync_core.errors import ShopifyError
from sync_core.shopify import oauth
from sync_core.shopify.domains import shop_domain

log = structlog.get_logger()

LONGEST_CODE = 1_000
UNCONFIRMED = "Shopify did not confirm the install; open the install link again"


def start(request: Request) -> Response:
    """Send the merchant to Shopify's page that asks for our scopes.

    Errors: 400 for a bad domain, hmac or timestamp; 429 with Retry-After for too many at once.
    """
    desk, query = desk_of(request), query_of(request)
    domain = shop_domain(query.get("shop", ""))
    if "hmac" in query:
        _check_signed(query, desk)
    with desk.database.write() as session:
        state = open_state(session, domain, now=desk.database.now(session))
    return _redirect(oauth.authorise_url(domain, state=state, settings=desk.settings))


def callback(request: Request) -> Response:
    """Exchange the code and store the shop; a repeated callback changes nothing and leads to the same page.

    Errors, in this order: 400 for a bad domain, hmac, timestamp, state; 502 when Shopify gives no token.
    """
    desk, query = desk_of(request), query_of(request)
    domain = shop_domain(query.get("shop", ""))
    _check_signed(query, desk)
    state, code = query.get("state", ""), query.get("code", "")
    standing, asked_at = _standing(desk, state, domain)
    if standing is Standing.USED:
        return _onboarding(domain)
    if standing is Standing.REFUSED or not 0 < len(code) <= LONGEST_CODE:
        raise HTTPException(400, "This install link is used up; open the install link again")
    try:
        grant = oauth.exchange(domain, code, settings=desk.settings, http=desk.http)
    except ShopifyError as error:
        return _unconfirmed(desk, state, domain, error)
    crash.point("callback_exchanged")
    return _register(desk, domain, state, grant, asked_at=asked_at)


def _check_signed(query: dict[str, str], desk: Desk) -> None:
    if not oauth.is_signed(query, oauth.client_secrets(desk.settings)):
        raise HTTPException(400, "hmac is wrong")
    if not oauth.is_timely(query, desk.clock()):
        raise HTTPException(400, "timestamp is too far from now; open the install link again")


def _standing(desk: Desk, state: str, domain: str) -> tuple[Standing, datetime]:
    with desk.database.read() as session:
        now = desk.database.now(session)
        return judge(session, state, domain, now=now), now


def _unconfirmed(desk: Desk, state: str, domain: str, error: ShopifyError) -> Response:
    """A browser that asked twice at once: the other request used the code and the state, so all is well."""
    if _standing(desk, state, domain)[0] is Standing.USED:
        return _onboarding(domain)
    log.warning(
        "code exchange failed",
        shop_domain=domain,
        error_class=type(error).__name__,
        status=error.status,
        request_id=error.request_id,
    )
    raise HTTPException(502, UNCONFIRMED)


def _register(desk: Desk, domain: str, state: str, grant: oauth.Grant, *, asked_at: datetime) -> Response:
    """One transaction: the token pair, the PENDING shop, the state used up."""
    with desk.database.write() as session:
        now = desk.database.now(session)
        registered = install.register(
            session,
            domain=domain,
            pair=_token_pair(grant, asked_at),
            authorised_at=asked_at,
            now=now,
            settings=desk.settings,
            vault=desk.vault,
        )
        use(session, state, now=now)
    response = _onboarding(domain)
    remember(response, registered.shop_id, registered.generation, now=desk.clock(), settings=desk.settings)
    return response


def _token_pair(grant: oauth.Grant, asked_at: datetime) -> TokenPair:
    """The grant with moments instead of seconds, counted from before the exchange: never later than the truth."""
    return TokenPair(
        access_token=grant.access_token,
        refresh_token=grant.refresh_token,
        expires_at=_after(asked_at, grant.expires_in),
        refresh_expires_at=_after(asked_at, grant.refresh_expires_in),
        scopes=grant.scopes,
    )


def _after(moment: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else moment + timedelta(seconds=seconds)


def _onboarding(domain: str) -> Response:
    return _redirect("/onboarding?" + urlencode({"shop": domain, "mode": "oauth_complete"}))


def _redirect(url: str) -> Response:
    return RedirectResponse(url, 302, headers=HEADERS)
