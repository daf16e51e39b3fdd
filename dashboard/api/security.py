"""Who may call what: bearer secrets, and the merchant whose shop is signed in."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr
from shopify_app import ShopifyApp
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.desk import desk_of
from dashboard.api.local import is_local
from sync_core.config import LOOPBACK_HOSTS, Settings
from sync_core.errors import BadInput
from sync_core.models import ShopSync
from sync_core.shopify.domains import shop_domain
from sync_core.shopify.oauth import client_id, client_secrets
from sync_core.states import Hold

COOKIE = "shopsync_shop"
COOKIE_PATH = "/api/sync"
COOKIE_LIFETIME = timedelta(hours=24)
COOKIE_PURPOSE = b"shopsync: the signed-in shop of the onboarding page"


@dataclass(frozen=True)
class Pass:
    """Whose browser this is: a shop in one of its installs, until a moment."""

    shop_id: str
    generation: int
    expires_at: float
    """Epoch seconds."""


def require_secret(request: Request, name: str) -> None:
    """Return when the request bears the setting `name` (cron_secret, …).

    Errors: 500 when it is unset (fail closed), 401 when it is missing or wrong.
    """
    secret: SecretStr | None = getattr(desk_of(request).settings, name)
    expected = secret.get_secret_value() if secret else ""
    if not expected:
        raise HTTPException(500, f"{name.upper()} not configured")
    if not hmac.compare_digest(bearer(request).encode("latin-1"), expected.encode()):
        raise HTTPException(401, "Unauthorized", {"WWW-Authenticate": "Bearer"})


def require_secret_from_outside(request: Request, name: str) -> None:
    """The same, but a caller on this machine needs none. Errors: as `require_secret`."""
    if not from_this_machine(request):
        require_secret(request, name)


def from_this_machine(request: Request) -> bool:
    """Whether this came from loopback, asked for loopback, and no proxy on this machine stands between.

    A proxy that says nothing of itself (nginx without further settings) still speaks HTTP/1.0 to us.
    """
    peer = request.client.host if request.client else ""
    passed_on = any(name in request.headers for name in ("via", "x-real-ip"))
    old = request.scope.get("http_version") == "1.0"
    return peer in LOOPBACK_HOSTS and is_local(request.scope["headers"]) and not passed_on and not old


def bearer(request: Request) -> str:
    """The bearer token of the request, or an empty text."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def signed_in(request: Request, session: Session, *, acts: bool) -> ShopSync:
    """The shop for which this request speaks, by session token or by the onboarding cookie.

    `acts`: the request changes something, so a cookie counts only from our own page.
    Errors: 401 when no shop is connected (none, uninstalled, re-installed since), 403 for a foreign page.
    """
    shop = _by_session_token(request, session) if bearer(request) else _by_cookie(request, session)
    if shop is None or shop.hold == Hold.UNINSTALLED:
        raise HTTPException(401, "No shop connected")
    if acts and not bearer(request) and not _from_own_page(request):
        raise HTTPException(403, "Origin is not this app's")
    return shop


def remember(response: Response, shop_id: str, generation: int, *, now: datetime, settings: Settings) -> None:
    """Sign the merchant's browser in, for the onboarding page's calls only."""
    issued = Pass(shop_id, generation, (now + COOKIE_LIFETIME).timestamp())
    response.set_cookie(
        COOKIE,
        seal(issued, settings),
        max_age=int(COOKIE_LIFETIME.total_seconds()),
        path=COOKIE_PATH,
        secure=settings.app_url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )


def seal(issued: Pass, settings: Settings) -> str:
    """The cookie's value: what it says, and our signature under a key of its own."""
    said = urlsafe_b64encode(orjson.dumps([issued.shop_id, issued.generation, issued.expires_at])).decode()
    return f"{said}.{_signature(said, client_secrets(settings)[0])}"


def unseal(value: str, *, now: datetime, settings: Settings) -> Pass | None:
    """The pass in a cookie's value, or None when it is none of ours or over."""
    said, _, given = value.partition(".")
    expected = [_signature(said, secret) for secret in client_secrets(settings)]
    if not any(hmac.compare_digest(given.encode(), one.encode()) for one in expected):
        return None
    issued = Pass(*orjson.loads(urlsafe_b64decode(said)))
    return issued if now.timestamp() < issued.expires_at else None


def _signature(said: str, secret: str) -> str:
    # Shopify's own secret must not sign it: such a signature could be replayed as a webhook's
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=COOKIE_PURPOSE).derive(secret.encode())
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def _by_cookie(request: Request, session: Session) -> ShopSync | None:
    desk = desk_of(request)
    issued = unseal(request.cookies.get(COOKIE, ""), now=desk.clock(), settings=desk.settings)
    if issued is None:
        return None
    shop = session.get(ShopSync, issued.shop_id)
    return shop if shop and shop.generation == issued.generation else None


def _by_session_token(request: Request, session: Session) -> ShopSync | None:
    """The shop of an embedded app's session token: HS256, our client id, at most 10 s of clock tolerance."""
    settings = desk_of(request).settings
    secrets = client_secrets(settings)
    verifier = ShopifyApp(client_id(settings), secrets[0], secrets[1] if len(secrets) > 1 else None)
    headers = {"authorization": f"Bearer {bearer(request)}"}
    try:
        result = verifier.verify_admin_ui_ext_req(
            {"method": request.method, "headers": headers, "url": str(request.url), "body": ""}
        )
    except AttributeError:  # the library takes a signed `dest` for a text without looking
        return None
    claims = result.id_token.claims if result.ok and result.id_token else {}
    if "exp" not in claims:
        return None
    try:
        domain = shop_domain(str(claims.get("dest", "")).removeprefix("https://"))
    except BadInput:
        return None
    return session.execute(select(ShopSync).where(ShopSync.shop_domain == domain)).scalar_one_or_none()


def _from_own_page(request: Request) -> bool:
    given = request.headers.get("origin", "")
    return bool(given) and _origin(given) == _origin(desk_of(request).settings.app_url)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return "", None, None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)
