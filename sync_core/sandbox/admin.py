"""The Admin API's one route: a token in a header, a GraphQL document in, an answer with its cost out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sync_core.sandbox.bulk import Bulk
from sync_core.sandbox.cost import MOST_POINTS
from sync_core.sandbox.faults import Fault
from sync_core.sandbox.graphql.problems import Refusal, access_denied, problem
from sync_core.sandbox.graphql.run import Run, operation_name, prepare
from sync_core.sandbox.misbehaviour import (
    INVALID_TOKEN,
    LOCKED_MESSAGE,
    NoResponse,
    sleep,
    spoiled,
    status_response,
)
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.tokens import Access
from sync_core.sandbox.versions import served_version
from sync_core.sandbox.world import World

DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
LASTING_TOKEN = (
    "[API] Non-expiring access tokens are no longer accepted for the Admin API. Start using expiring offline tokens: "
    "https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens"
)
COST_PAGE = "https://shopify.dev/api/usage/rate-limits"


@dataclass(frozen=True)
class Asked:
    """The body of a request."""

    query: str
    variables: dict[str, Any]
    operation: str | None


def find_shop(request: Request) -> Shop:
    """The shop named in the path, else in Host; 404 for what is not a shop's domain."""
    world: World = request.app.state.world
    domain = request.path_params.get("domain") or request.headers.get("host", "").partition(":")[0]
    domain = domain.lower()
    if not DOMAIN.fullmatch(domain):
        raise HTTPException(404, "no such shop")
    return world.shops.get(domain)


async def misbehave(request: Request, shop: Shop, operation: str) -> Response | None:
    """Waits the shop's latency; the answer of a fault that replaces any other, or None."""
    await sleep(shop.latency_seconds)
    fault = shop.faults.pick(operation)
    request.state.fault = fault
    if fault is None:
        return None
    world: World = request.app.state.world
    await sleep(fault.seconds)
    world.keep_faults(shop)
    answer: Response | None = _replacement(fault, world.request_id())
    if answer is not None:
        world.note(shop, operation, answer.status_code if fault.kind.isdecimal() else fault.kind, fault=fault.kind)
    return answer


def _replacement(fault: Fault, request_id: str) -> Response | None:
    """The answer of faults that need no token and no document."""
    if fault.kind.isdecimal():
        return status_response(fault, request_id)
    if fault.kind == "reset":
        return NoResponse()
    if fault.kind == "badjson":
        headers = {"X-Request-Id": request_id, "Content-Type": "application/json; charset=utf-8"}
        return Response(b'{"data":{"shop":{"id":', 200, headers)
    if fault.kind == "inactive":
        return _json({"errors": [problem(fault.message or LOCKED_MESSAGE, "SHOP_INACTIVE")]}, request_id, None)
    if fault.kind == "internal":
        message = (
            "Internal error. Looks like something went wrong on our end.\n"
            f"Request ID: {request_id} (include this in support requests)."
        )
        return _json({"errors": [problem(message, "INTERNAL_SERVER_ERROR", requestId=request_id)]}, request_id, None)
    return None


async def graphql(request: Request) -> Response:
    """POST /admin/api/{version}/graphql.json"""
    world: World = request.app.state.world
    shop, raw = find_shop(request), await request.body()
    asked = _asked(raw)
    operation = "unreadable" if asked is None else operation_name(asked.query, asked.operation)
    if (instead := await misbehave(request, shop, operation)) is not None:
        return instead
    access = world.tokens.access(shop.domain, request.headers.get("x-shopify-access-token", ""))
    if access is None or asked is None or not access.expiring:
        refused = _refused(access)
        world.note(shop, operation, refused[0], fault=None)
        return Response(orjson.dumps({"errors": refused[1]}), refused[0], _headers(world.request_id(), None))
    version, request_id = served_version(request.path_params["version"]), world.request_id()
    bulk = world.bulk(shop, _origin(request))
    answer, facts = _answer(bulk, access, asked, request.state.fault)
    world.note(shop, operation, 200, fault=_kind(request.state.fault), request_id=request_id, version=version, **facts)
    return spoiled(Response(orjson.dumps(answer), 200, _headers(request_id, version)), request.state.fault)


def _asked(raw: bytes) -> Asked | None:
    """The body, or None when it is not what GraphQL over HTTP sends."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return None
    variables = body.get("variables") or {}
    return Asked(body["query"], variables, body.get("operationName")) if isinstance(variables, dict) else None


def _refused(access: Access | None) -> tuple[int, Any]:
    """(status, errors) for a request that is not looked into."""
    if access is None:
        return 401, INVALID_TOKEN
    return (400, {"query": "Required parameter missing or invalid"}) if access.expiring else (403, LASTING_TOKEN)


def _origin(request: Request) -> str:
    """Where this server listens, whatever name the caller used."""
    host, port = request.scope["server"]
    return f"http://{host}:{port}"


def _answer(bulk: Bulk, access: Access, asked: Asked, fault: Fault | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the answer's body, facts for the log)."""
    try:
        plan, variables = prepare(asked.query, asked.operation, asked.variables)
        run = Run(
            bulk.shop,
            scopes=access.scopes,
            plan=plan,
            variables=variables,
            subscriptions=bulk.subscriptions,
            clock=bulk.operations.clock,
            bulk=bulk,
        )
        return _priced(bulk.shop, run, fault)
    except Refusal as refusal:
        return {"errors": refusal.errors}, {"points": 0, "rows": 0, "error": refusal.errors[0]["extensions"]["code"]}


def _priced(shop: Shop, run: Run, fault: Fault | None) -> tuple[dict[str, Any], dict[str, Any]]:
    requested = run.requested_points()
    facts = {"points": 0, "rows": 0, "requested": requested, **run.first_page()}
    if requested > MOST_POINTS or _kind(fault) == "maxcost":
        return _too_expensive(max(requested, MOST_POINTS + 1)), {**facts, "error": "MAX_COST_EXCEEDED"}
    throttled = _kind(fault) == "throttled"
    if throttled or (shop.throttled and not shop.bucket.take(requested)):
        return _throttled(shop, requested), {**facts, "error": "THROTTLED"}
    if fault is not None and fault.kind == "denied":
        return _denied(fault, run), {**facts, "error": "ACCESS_DENIED"}
    data = run.data()
    actual = run.actual_points()
    if shop.throttled:
        shop.bucket.refund(requested - actual)
    body: dict[str, Any] = {"data": data}
    if run.errors:
        body = {"data": data, "errors": run.errors}
    body["extensions"] = {"cost": _cost(shop, requested, actual)}
    return body, {**facts, "points": actual, "rows": run.rows_served()}


def _cost(shop: Shop, requested: int, actual: int | None) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": shop.bucket.status(),
    }


def _throttled(shop: Shop, requested: int) -> dict[str, Any]:
    error = problem("Throttled", "THROTTLED", documentation=COST_PAGE)
    return {"errors": [error], "extensions": {"cost": _cost(shop, requested, None)}}


def _too_expensive(points: int) -> dict[str, Any]:
    message = f"Query cost is {points}, which exceeds the single query max cost limit ({MOST_POINTS})."
    return {
        "errors": [problem(message, "MAX_COST_EXCEEDED", cost=points, maxCost=MOST_POINTS, documentation=COST_PAGE)]
    }


def _denied(fault: Fault, run: Run) -> dict[str, Any]:
    name = str(fault.field)
    error = access_denied(name, f"read_{name}", [name])
    if fault.message:
        error["message"] = fault.message
    return {"data": None, "errors": [error], "extensions": {"cost": _cost(run.shop, run.requested_points(), 1)}}


def _kind(fault: Fault | None) -> str | None:
    return None if fault is None else fault.kind


def _headers(request_id: str, version: str | None) -> dict[str, str]:
    headers = {"X-Request-Id": request_id, "Content-Type": "application/json; charset=utf-8"}
    return headers if version is None else {**headers, "X-Shopify-API-Version": version}


def _json(body: Any, request_id: str, version: str | None) -> Response:
    return Response(orjson.dumps(body), 200, _headers(request_id, version))
