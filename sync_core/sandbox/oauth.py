"""Install and tokens: the consent page, the code exchange and the refresh, as Shopify answers them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from sync_core.sandbox.admin import find_shop, misbehave
from sync_core.sandbox.misbehaviour import spoiled
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.tokens import TokenRefused
from sync_core.sandbox.world import World

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OFFLINE_TOKEN = "urn:shopify:params:oauth:token-type:offline-access-token"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Install {app} · {shop}</title>
<style>
 body {{ font: 16px/1.5 system-ui, sans-serif; background: #f1f2f4; color: #303030; margin: 0; }}
 main {{ max-width: 30rem; margin: 12vh auto; background: #fff; border-radius: 12px; padding: 2rem;
        box-shadow: 0 1px 2px #0002; }}
 h1 {{ font-size: 1.25rem; margin: 0 0 .25rem; }} p {{ margin: .25rem 0 1rem; color: #616161; }}
 ul {{ padding-left: 1.2rem; }} code {{ font-size: .9em; }}
 button {{ font: inherit; font-weight: 600; border: 0; border-radius: 8px; padding: .6rem 1.2rem; color: #fff;
          background: #303030; cursor: pointer; }} small {{ color: #616161; display: block; margin-top: 1.5rem; }}
</style>
<main><h1>Install {app}</h1><p>on {shop}</p>
<p>This app will be able to:</p><ul>{scopes}</ul>
<form method="post"><button type="submit">Install app</button></form>
<small>Sandbox Shopify on this machine. No real shop is touched.</small></main></html>"""


def sign_query(params: dict[str, str], secret: str) -> str:
    """The hmac of a redirect: lower-case hex over the sorted, url-encoded query without hmac and signature."""
    rest = sorted((name, value) for name, value in params.items() if name not in ("hmac", "signature"))
    return hmac.new(secret.encode(), urlencode(rest).encode(), hashlib.sha256).hexdigest()


async def authorize(request: Request) -> Response:
    """GET shows the consent page (or, with auto=1, installs at once); POST is the click on its button."""
    world: World = request.app.state.world
    shop, query = find_shop(request), request.query_params
    if query.get("client_id") != world.config.client_id:
        return _oops("The application with this client_id was not found.")
    if urlsplit(query.get("redirect_uri", "")).scheme not in ("http", "https"):
        return _oops("The redirect_uri is missing or not a web address.")
    if request.method == "GET" and query.get("auto") != "1" and not world.config.auto_install:
        items = "".join(f"<li><code>{html.escape(scope)}</code></li>" for scope in _scopes(shop, request))
        return HTMLResponse(PAGE.format(app=html.escape(world.config.app_name), shop=shop.domain, scopes=items))
    return RedirectResponse(_callback(world, shop, request), status_code=302)


def _callback(world: World, shop: Shop, request: Request) -> str:
    store = shop.domain.partition(".")[0]
    params = {
        "code": world.tokens.issue_code(shop.domain, _scopes(shop, request)),
        "host": base64.b64encode(f"admin.shopify.com/store/{store}".encode()).decode().rstrip("="),
        "shop": shop.domain,
        "state": request.query_params.get("state", ""),
        "timestamp": str(int(world.clock())),
    }
    params["hmac"] = sign_query(params, world.config.client_secret)
    target = request.query_params["redirect_uri"]
    return f"{target}{'&' if urlsplit(target).query else '?'}{urlencode(params)}"


def _scopes(shop: Shop, request: Request) -> list[str]:
    """What is granted: what was asked for, limited by the shop's setting."""
    asked = [scope.strip() for scope in request.query_params.get("scope", "").split(",") if scope.strip()]
    allowed = shop.settings.scopes
    return asked if allowed is None else [scope for scope in asked if scope in allowed]


def _oops(reason: str) -> Response:
    return HTMLResponse(f"<!doctype html><title>Oauth error</title><p>Oauth error invalid_request: {reason}</p>", 400)


async def access_token(request: Request) -> Response:
    """POST: exchanges a code, or refreshes (grant_type=refresh_token). Body JSON or form."""
    world: World = request.app.state.world
    shop = find_shop(request)
    if (answer := await misbehave(request, shop, "oauth")) is not None:
        return answer
    try:
        body = await _body(request)
        found = _grant(world, shop, body)
    except TokenRefused as no:
        world.note(shop, "oauth", no.status, fault=None, error=no.error)
        return JSONResponse({"error": no.error, "error_description": no.description}, no.status)
    world.note(shop, "oauth", 200, fault=None, grant=body.get("grant_type", "code"))
    answer = JSONResponse(found, headers={"X-Request-Id": world.request_id()})
    return spoiled(answer, request.state.fault)


def _grant(world: World, shop: Shop, body: dict[str, str]) -> dict[str, object]:
    config = world.config
    known = hmac.compare_digest(body.get("client_secret", "").encode(), config.client_secret.encode())
    if body.get("client_id") != config.client_id or not known:
        raise TokenRefused(401, "invalid_client", "The client credentials are not valid")
    if body.get("grant_type") == "refresh_token":
        return world.tokens.refresh(shop.domain, body.get("refresh_token", ""))
    expiring = body.get("expiring", "") in ("1", "true", "True")
    if body.get("grant_type") == EXCHANGE:
        return _exchange(world, shop, body, expiring=expiring)
    if body.get("grant_type", "authorization_code") != "authorization_code":
        raise TokenRefused(400, "unsupported_grant_type", "The sandbox knows codes, refresh and lasting tokens")
    return world.tokens.redeem(shop.domain, body.get("code", ""), expiring=expiring)


def _exchange(world: World, shop: Shop, body: dict[str, str], *, expiring: bool) -> dict[str, object]:
    """Of an offline token that never expires for a pair; id tokens of embedded apps are not played."""
    kinds = {body.get("subject_token_type"), body.get("requested_token_type")}
    if kinds != {OFFLINE_TOKEN} or not expiring:
        raise TokenRefused(400, "invalid_request", "The sandbox exchanges lasting offline tokens for expiring ones")
    return world.tokens.exchange(shop.domain, body.get("subject_token", ""))


async def _body(request: Request) -> dict[str, str]:
    if "json" not in request.headers.get("content-type", ""):
        return {name: str(value) for name, value in (await request.form()).items()}
    try:
        found = await request.json()
    except ValueError:
        raise TokenRefused(400, "invalid_request", "The body is not valid JSON") from None
    if not isinstance(found, dict):
        raise TokenRefused(400, "invalid_request", "The body is not a JSON object")
    return {str(name): str(value) for name, value in found.items()}
