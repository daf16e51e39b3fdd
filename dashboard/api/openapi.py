"""GET /api/openapi.json: every route of this API, described. A test holds it against the route table."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import answer

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
MOMENT: Json = {"type": ["string", "null"], "format": "date-time"}
COUNT: Json = {"type": ["integer", "null"], "minimum": 0}
DOMAIN: Json = {
    "type": "string",
    "pattern": r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
    "maxLength": 255,
    "examples": ["atelier-moreau.myshopify.com"],
}
OBJECTIVE: Json = {"type": "string", "enum": ["sync_success", "pick_up", "time_to_sync", "sweep_success"]}
WORDS = {
    202: "A request is open: `attempt` says which, `joined` that it was open already",
    302: "Redirect",
    400: "A parameter, a field or the signature is wrong",
    401: "The secret, the signature or the sign-in is missing or wrong",
    403: "The call came from another site's page",
    404: "There is no such shop, or no such objective",
    409: "No sync can succeed as the shop stands: `hold` says why",
    413: "The body is longer than 1 MB",
    429: "Too many installs are under way: see Retry-After",
    500: "The route's secret is not configured, or something failed here",
    502: "Shopify did not confirm the install",
    503: "Not ready: see Retry-After",
}


def document(_request: Request) -> Response:
    """The OpenAPI 3.1 document."""
    return answer(described())


@cache
def described() -> Json:
    """The document as a dict; the same object each time, not to be changed."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shopsync",
            "version": version("shopsync"),
            "description": 'Installs, syncs, sweeps and health of Shopify shops. Each error is `{"error": "…"}`.',
        },
        "paths": {**_merchant(), **_internal(), **_reading(), **_probes()},
        "components": {"schemas": SCHEMAS, "securitySchemes": SCHEMES},
    }


def _merchant() -> Json:
    shop = _query("shop", DOMAIN, required=True)
    signed = [_query("hmac", TEXT), _query("timestamp", TEXT)]
    callback = [_query(name, TEXT, required=True) for name in ("code", "hmac", "state", "timestamp")]
    merchant: Json = {"security": [{"onboardingCookie": []}, {"sessionToken": []}]}
    return {
        "/auth": {"get": _does("Begin an install", {302: None}, (400, 429, 500), parameters=[shop, *signed])},
        "/auth/callback": {
            "get": _does("End an install", {302: None}, (400, 500, 502), parameters=[shop, *callback]),
        },
        "/onboarding": {"get": _page("The merchant's page", parameters=[_query("shop", DOMAIN)])},
        "/api/sync": {
            "post": _does("Sync the signed-in shop", {200: "Started", 202: "Started"}, (401, 403, 409), **merchant),
        },
        "/api/sync/status": {"get": _does("Where its sync stands", {200: "SyncStatus"}, (401,), **merchant)},
        "/webhooks/shopify": {
            "post": _does(
                "Keep a webhook",
                {200: "Kept"},
                (400, 401, 413),
                parameters=[_header(name) for name in WEBHOOK_HEADERS],
                requestBody=_body({}, required=True),
            ),
        },
    }


def _internal() -> Json:
    wait = _query("wait", {"type": "string", "enum": ["0", "1"]}, says="1: answer when the sync has ended")
    return {
        "/api/sync/trigger": {
            "post": _does(
                "Sync any shop",
                {200: "Started", 202: "Started"},
                (400, 401, 404, 409, 413, 500),
                parameters=[wait],
                requestBody=_body({"$ref": "#/components/schemas/Trigger"}, required=True),
                security=[{"internalSecret": []}],
            ),
        },
        "/api/cron/sync-pending": {
            "get": _does("One sweep now", {200: "Swept"}, (401, 500), security=[{"cronSecret": []}]),
        },
    }


def _reading() -> Json:
    token: Json = {"security": [{"readToken": []}]}
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
    flag = {"type": "string", "enum": ["0", "1"]}
    span = [_query("window", {"type": "string", "pattern": "^[1-9][0-9]{0,3}[hdw]$", "default": "7d"})]
    span.append(_query("by", {"type": "string", "enum": ["hour", "day"]}))
    span += [_query(name, {"type": "string", "format": "date-time"}) for name in ("from", "to")]
    asked = [_query(name, TEXT) for name in ("q", "status", "cause", "sort", "after")]
    asked += [_query(name, flag) for name in ("overdue", "attention")]
    domain = {"name": "domain", "in": "path", "required": True, "schema": DOMAIN}
    wrong = (400, 401, 500, 503)
    return {
        "/api/health": {"get": _does("The four objectives", {200: "Health"}, wrong, parameters=span, **token)},
        "/api/shops": {"get": _does("Find shops", {200: "Shops"}, wrong, parameters=[*asked, limit], **token)},
        "/api/shops/{domain}": {
            "get": _does("One shop", {200: "Shop"}, (*wrong, 404), parameters=[domain], **token),
        },
        "/api/sweeps": {
            "get": _does("Sweeps", {200: "Sweeps"}, wrong, parameters=[_query("before", TEXT), limit], **token),
        },
    }


def _probes() -> Json:
    return {
        "/healthz": {"get": _does("This process answers", {200: "Alive"}, ())},
        "/readyz": {"get": _does("Database, schema and secrets are there", {200: "Ready", 503: "Ready"}, ())},
        "/metrics": {
            "get": _page("Figures for Prometheus", "text/plain", bad=(401, 500), security=[{}, {"readToken": []}]),
        },
        "/badge/{objective}.svg": {
            "get": _page(
                "An objective of the last 30 days as a picture",
                "image/svg+xml",
                bad=(401, 404, 500),
                parameters=[{"name": "objective", "in": "path", "required": True, "schema": OBJECTIVE}],
                security=[{}, {"readToken": []}],
            ),
        },
        "/api/openapi.json": {"get": _does("This document", {200: "Anything"}, ())},
    }


def _does(summary: str, good: dict[int, str | None], bad: tuple[int, ...], **more: Any) -> Json:
    answers = {str(status): _answer(status, schema) for status, schema in good.items()}
    answers |= {str(status): _answer(status, "Error") for status in bad}
    return {"summary": summary, "responses": answers, **more}


def _answer(status: int, schema: str | None) -> Json:
    described: Json = {"description": WORDS.get(status, "As asked")}
    if schema is not None:
        described["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return described


def _page(summary: str, kind: str = "text/html", *, bad: tuple[int, ...] = (), **more: Any) -> Json:
    """An answer that is no JSON; its errors are."""
    answers = {"200": {"description": "As asked", "content": {kind: {"schema": TEXT}}}}
    answers |= {str(status): _answer(status, "Error") for status in bad}
    return {"summary": summary, "responses": answers, **more}


def _query(name: str, schema: Json, *, required: bool = False, says: str = "") -> Json:
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": says}


def _header(name: str) -> Json:
    return {"name": name, "in": "header", "required": name != "X-Shopify-Triggered-At", "schema": TEXT}


def _body(schema: Json, *, required: bool) -> Json:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _object(required: str, **properties: Json) -> Json:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list_of(name: str, after: str) -> Json:
    rows: Json = {"type": "array", "items": {"type": "object"}}
    properties: dict[str, Json] = {name: rows, after: {"type": ["string", "null"]}}
    return _object(f"{name} {after}", **properties)


WEBHOOK_HEADERS = (
    "X-Shopify-Hmac-Sha256",
    "X-Shopify-Topic",
    "X-Shopify-Shop-Domain",
    "X-Shopify-Webhook-Id",
    "X-Shopify-Triggered-At",
)

FLAG: Json = {"type": "boolean"}
RESOURCE = _object("resource done total skipped ended", resource=TEXT, done=COUNT, total=COUNT, ended=FLAG)
RESULT = _object(
    "shopDomain status skipped",
    shopDomain=TEXT,
    status={"type": "string", "enum": ["triggered", "failed", "error"]},
    skipped=FLAG,
)
PROGRESS = _object(
    "done total resource percent resources",
    done=COUNT,
    total=COUNT,
    resource={"type": ["string", "null"]},
    percent={"type": ["integer", "null"], "minimum": 0, "maximum": 100},
    resources={"type": "array", "items": RESOURCE},
)

SCHEMAS: Json = {
    "Anything": {"type": "object"},
    "Error": _object("error", error=TEXT, hold={"type": ["string", "null"]}, nextAttemptAt=MOMENT),
    "Started": _object(
        "success message",
        success=FLAG,
        message=TEXT,
        attempt={"type": ["string", "null"]},
        joined=FLAG,
        skipped=FLAG,
        shopDomain=TEXT,
    ),
    "Trigger": {
        "type": "object",
        "properties": {
            "shopId": {"type": "string", "maxLength": 500},
            "shopDomain": DOMAIN,
            "mode": {"type": "string", "enum": ["changes", "everything"]},
            "reason": {"type": "string", "maxLength": 500},
        },
        "anyOf": [{"required": ["shopId"]}, {"required": ["shopDomain"]}],
    },
    "SyncStatus": _object(
        "syncStatus lastSyncAt progress error nextAttemptAt worker",
        syncStatus={"type": "string", "enum": ["PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"]},
        lastSyncAt=MOMENT,
        progress=PROGRESS,
        error={"type": ["string", "null"]},
        nextAttemptAt=MOMENT,
        worker=TEXT,
    ),
    "Swept": _object(
        "success message processed",
        success=FLAG,
        message=TEXT,
        processed=COUNT,
        triggered=COUNT,
        results={"type": "array", "items": RESULT},
    ),
    "Kept": _object("success duplicate", success=FLAG, duplicate=FLAG),
    "Health": _object(
        "window objectives ledger", window={"type": "object"}, objectives={"type": "object"}, ledger={"type": "object"}
    ),
    "Shops": _list_of("shops", "nextAfter"),
    "Shop": _object("shop", shop={"type": "object"}),
    "Sweeps": _list_of("sweeps", "nextBefore"),
    "Alive": _object("status", status=TEXT),
    "Ready": _object("ready checks", ready=FLAG, checks={"type": "object", "additionalProperties": TEXT}),
}

SCHEMES: Json = {
    name: {"type": "http", "scheme": "bearer", "description": says}
    for name, says in {
        "cronSecret": "CRON_SECRET",
        "internalSecret": "INTERNAL_API_SECRET",
        "readToken": "READ_API_TOKEN",
        "sessionToken": "A session token of Shopify's for this app",
    }.items()
} | {"onboardingCookie": {"type": "apiKey", "in": "cookie", "name": "shopsync_shop"}}
