"""GET /onboarding: the page that starts a merchant's first sync and shows how far it is."""

from __future__ import annotations

import secrets
from functools import cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dashboard.api.answers import HEADERS
from sync_core.errors import BadInput
from sync_core.shopify.domains import shop_domain

TEMPLATE = Path(__file__).with_name("onboarding.html")


def page(request: Request) -> Response:
    """The page, self-contained; `?shop=` is only shown, the cookie says whose sync it is."""
    nonce = secrets.token_urlsafe(16)
    filled = _template().replace("{{nonce}}", nonce).replace("{{shop}}", escape(_shown(request)))
    return HTMLResponse(filled, headers={**HEADERS, **_policy(nonce)})


def _shown(request: Request) -> str:
    try:
        return shop_domain(request.query_params.get("shop", ""))
    except BadInput:
        return "your shop"


def _policy(nonce: str) -> dict[str, str]:
    rules = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in rules.items()),
        "X-Frame-Options": "DENY",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


@cache
def _template() -> str:
    return TEMPLATE.read_text(encoding="utf-8")
