"""`/_sandbox/`: what a test or the demo does to the sandbox itself. Loopback callers only."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sync_core.sandbox import truth
from sync_core.sandbox.admin import find_shop
from sync_core.sandbox.config import BadOption
from sync_core.sandbox.edits import KINDS, Edits
from sync_core.sandbox.rows import number_of
from sync_core.sandbox.settings import draw_settings
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.webhooks import Hook, hook_of, payload_of
from sync_core.sandbox.world import World

Body = dict[str, Any]
DEFAULT_SCOPES = ["read_products", "read_orders", "read_customers"]


@dataclass(frozen=True)
class Call:
    """One call of the control API."""

    world: World
    request: Request
    body: Body

    @property
    def shop(self) -> Shop:
        return find_shop(self.request)

    @property
    def kind(self) -> str:
        return str(self.request.path_params["kind"])

    @property
    def number(self) -> int:
        return int(self.request.path_params["number"])

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def edits(self) -> Edits:
        return Edits(self.shop, self.world.journal, self.world.clock)


Verb = Callable[[Call], Awaitable[Any]]


class Missing(LookupError):
    """There is no such row."""


async def put_shop(call: Call) -> Any:
    """Makes or remakes a shop: any of the settings; what is not given is drawn from the name.

    With `keep` the other settings stay as they are, and the rows too when only rules change (throttle, scopes, …).
    """
    world, shop = call.world, call.shop
    if call.body.pop("keep", False):
        return _shop(world, world.shops.adjust(shop.settings.changed(call.body)))
    fresh = draw_settings(shop.domain, world.config, int(world.clock()))
    return _shop(world, world.shops.put(fresh.changed(call.body)))


async def get_shop(call: Call) -> Any:
    """Settings, counts and install; `?rows=kind` answers every row of a kind."""
    shop, kind = call.shop, call.query.get("rows")
    if kind is None:
        return _shop(call.world, shop)
    if kind not in truth.KINDS:
        raise BadOption(f"rows is {kind!r}; expected one of {', '.join(truth.KINDS)}")
    return list(truth.rows(shop, kind))


async def list_shops(call: Call) -> Any:
    installed = call.world.tokens.installed
    return [{"domain": shop.domain, "installed": installed(shop.domain) is not None} for shop in call.world.shops]


def _shop(world: World, shop: Shop) -> Body:
    install = world.tokens.installed(shop.domain)
    return {
        "settings": shop.settings.as_json(),
        "counts": truth.counts(shop),
        "install": install,
        "faults": shop.faults.as_json(),
        "throttle": shop.bucket.status(),
    }


async def create_row(call: Call) -> Any:
    """POST {kind}: `count` rows (default 1) with `fields`; `webhook` tells the app. Answers their numbers."""
    shop, kind = call.shop, call.kind
    rows = [call.edits.create(kind, call.body.get("fields", {})) for _ in range(call.body.get("count", 1))]
    await _tell(call.world, shop, f"{kind}/create", rows, call.body)
    return {"ids": [str(number_of(row["id"])) for row in rows]}


async def update_row(call: Call) -> Any:
    """PATCH {kind}/{number}: `fields`; `webhook` tells the app."""
    shop, kind = call.shop, call.kind
    number = call.number
    row = call.edits.update(kind, number, call.body.get("fields", {}))
    if row is None:
        raise Missing(f"no {kind} {number}")
    topic = "orders/updated" if kind == "orders" else f"{kind}/update"
    await _tell(call.world, shop, topic, [row], call.body)
    return {"id": str(number), "updatedAt": row["updatedAt"]}


async def delete_row(call: Call) -> Any:
    """DELETE {kind}/{number}; `?webhook=1` tells the app."""
    shop, kind, number = call.shop, call.kind, call.number
    row = shop.table(KINDS[kind]).get(number) if kind in KINDS else None
    if row is None or not call.edits.delete(kind, number):
        raise Missing(f"no {kind} {number}")
    await _tell(call.world, shop, f"{kind}/delete", [row], {"webhook": call.query.get("webhook") == "1"})
    return {"id": str(number)}


async def _tell(world: World, shop: Shop, topic: str, rows: list[Body], body: Body) -> None:
    if not body.get("webhook"):
        return
    hooks = [Hook(topic=topic, payload=payload_of(shop, topic, row)) for row in rows]
    task = world.sender.send(shop, hooks, world.targets(shop, [topic]))
    if body.get("wait"):
        await task


async def put_faults(call: Call) -> Any:
    """Replaces the shop's faults by `faults` (a list) or by the body itself (one fault)."""
    shop = call.shop
    shop.faults.put(call.body.get("faults", [call.body]))
    call.world.keep_faults(shop)
    return shop.faults.as_json()


async def drop_faults(call: Call) -> Any:
    shop = call.shop
    shop.faults.put([])
    call.world.keep_faults(shop)
    return []


async def uninstall(call: Call) -> Any:
    """Tokens die at once; app/uninstalled follows unless `webhook` is false. `delay`, `times`, `wait`."""
    shop = call.shop
    targets = call.world.targets(shop, ["app/uninstalled"])
    call.world.tokens.uninstall(shop.domain)
    call.world.subscriptions(shop).clear()
    hook = Hook(topic="app/uninstalled", times=call.body.get("times", 1), delay=call.body.get("delay", 0.0))
    if call.body.get("webhook", True):
        task = call.world.sender.send(shop, [hook], targets)
        if call.body.get("wait"):
            await task
    return {"webhook_id": hook.webhook_id}


async def revoke(call: Call) -> Any:
    """Access tokens answer 401 from now on; with `refresh` (default) refresh tokens are refused as well."""
    call.world.tokens.revoke(call.shop.domain, refresh=call.body.get("refresh", True))
    return {}


async def mint(call: Call) -> Any:
    """Installs the app without a click and answers the token pair: `scopes`, `expiring`."""
    shop = call.shop
    scopes = call.body.get("scopes", list(shop.settings.scopes or DEFAULT_SCOPES))
    return call.world.tokens.install(shop.domain, scopes, expiring=call.body.get("expiring", True))


async def rescope(call: Call) -> Any:
    """What the merchant grants from now on: `scopes`."""
    call.world.tokens.rescope(call.shop.domain, call.body["scopes"])
    return {}


async def unsubscribe(call: Call) -> Any:
    """Drops the subscriptions to `topic`, or all, as Shopify does after eight failed deliveries."""
    found, topic = call.world.subscriptions(call.shop), call.body.get("topic")
    gone = [row["id"] for row in found.rows() if topic in (None, row["topic"])]
    return {"deleted": [identity for identity in gone if found.delete(identity)]}


async def set_bucket(call: Call) -> Any:
    """Leaves `left` points in the shop's bucket."""
    shop = call.shop
    shop.bucket.drain(call.body.get("left", 0))
    return shop.bucket.status()


async def send_webhook(call: Call) -> Any:
    """Sends one event (`topic`, …) or `items` in an `order`; `wait` answers after the last delivery."""
    shop = call.shop
    wait, order = call.body.pop("wait", False), call.body.pop("order", "given")
    hooks = [hook_of(item) for item in call.body.get("items", [call.body])]
    task = call.world.sender.send(shop, hooks, call.world.targets(shop, [hook.topic for hook in hooks]), order)
    if wait:
        await task
    return {"webhook_ids": [hook.webhook_id for hook in hooks]}


async def get_log(call: Call) -> Any:
    """What was served, oldest first; `?domain=`, `?operation=`."""
    return _chosen(call, list(call.world.log), "operation")


async def drop_log(call: Call) -> Any:
    call.world.log.clear()
    return []


async def get_deliveries(call: Call) -> Any:
    """Tries to deliver webhooks, oldest first; `?domain=`, `?topic=`."""
    return _chosen(call, list(call.world.sender.deliveries), "topic")


def _chosen(call: Call, lines: list[Body], name: str) -> list[Body]:
    wanted = {key: value for key, value in call.query.items() if key in ("domain", name)}
    return [line for line in lines if all(line[key] == value for key, value in wanted.items())]


async def healthz(call: Call) -> Any:
    return {"status": "ok", "shops": sum(1 for _ in call.world.shops), "served": len(call.world.log)}


def control_routes() -> list[BaseRoute]:
    """Every control route; bodies and answers are JSON, errors `{"error"}`."""
    shop = "/_sandbox/shops/{domain}"
    return [
        _route("/_sandbox/healthz", GET=healthz),
        _route("/_sandbox/log", GET=get_log, DELETE=drop_log),
        _route("/_sandbox/deliveries", GET=get_deliveries),
        _route("/_sandbox/shops", GET=list_shops),
        _route(shop, GET=get_shop, PUT=put_shop),
        _route(f"{shop}/faults", PUT=put_faults, DELETE=drop_faults),
        _route(f"{shop}/uninstall", POST=uninstall),
        _route(f"{shop}/revoke", POST=revoke),
        _route(f"{shop}/tokens", POST=mint),
        _route(f"{shop}/scopes", PUT=rescope),
        _route(f"{shop}/unsubscribe", POST=unsubscribe),
        _route(f"{shop}/bucket", PUT=set_bucket),
        _route(f"{shop}/webhook", POST=send_webhook),
        _route(f"{shop}/{{kind}}", POST=create_row),
        _route(f"{shop}/{{kind}}/{{number:int}}", PATCH=update_row, DELETE=delete_row),
    ]


def _route(path: str, **verbs: Verb) -> BaseRoute:
    async def endpoint(request: Request) -> Response:
        if not _is_loopback(request):
            return _json({"error": "the control API answers loopback callers only"}, 403)
        try:
            raw = await request.body()
            body = orjson.loads(raw) if raw else {}
            return _json(await verbs[request.method](Call(request.app.state.world, request, body)), 200)
        except BadOption as wrong:
            return _json({"error": str(wrong)}, 400)
        except Missing as gone:
            return _json({"error": str(gone)}, 404)

    return Route(path, endpoint, methods=list(verbs))


def _is_loopback(request: Request) -> bool:
    host = request.client.host if request.client else ""
    if host == "testclient":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(body: Any, status: int) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
