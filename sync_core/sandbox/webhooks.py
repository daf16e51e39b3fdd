"""Webhooks to the app: signed, retried, repeated and out of order when a test wants that."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from sync_core.sandbox.config import BadOption, SandboxConfig
from sync_core.sandbox.draws import first_id
from sync_core.sandbox.identity import shop_row
from sync_core.sandbox.moments import Clock, iso
from sync_core.sandbox.rows import gid
from sync_core.sandbox.shops import Shop

RETRIES = 8
TIMEOUT = httpx.Timeout(5.0, connect=1.0)
ORDERS = ("given", "reverse", "shuffle")


@dataclass(frozen=True, kw_only=True)
class Hook:
    """One event to send. `times` > 1 repeats it with the same ids; `signed` False spoils the signature."""

    topic: str
    payload: dict[str, Any] | None = None
    times: int = 1
    delay: float = 0.0
    webhook_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    triggered_at: str | None = None
    signed: bool = True


def hook_of(body: dict[str, Any]) -> Hook:
    """A Hook from JSON. Raises BadOption."""
    try:
        return Hook(**body)
    except TypeError as wrong:
        raise BadOption(f"a webhook is {sorted(body)}: {wrong}") from None


def sign_body(body: bytes, secret: str) -> str:
    """Base64 of HMAC-SHA256 over the raw bytes."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def payload_of(shop: Shop, topic: str, row: dict[str, Any] | None = None) -> dict[str, Any]:
    """A thin payload in Shopify's REST shape: enough to know what changed, never enough to store."""
    if row is not None:
        number = int(row["legacyResourceId"])
        if topic.endswith("/delete"):
            return {"id": number}
        stamps = {"created_at": row["createdAt"], "updated_at": row["updatedAt"]}
        return {"id": number, "admin_graphql_api_id": row["id"], **stamps}
    if topic in ("customers/data_request", "customers/redact", "shop/redact"):
        return {"shop_id": first_id(shop.settings.key), "shop_domain": shop.domain}
    found = shop_row(shop)
    return {
        "id": first_id(shop.settings.key),
        "admin_graphql_api_id": gid("Shop", first_id(shop.settings.key)),
        "name": found["name"],
        "email": found["email"],
        "domain": found["primaryDomain"]["host"],
        "myshopify_domain": shop.domain,
        "plan_display_name": found["plan"]["displayName"],
        "currency": found["currencyCode"],
        "iana_timezone": found["ianaTimezone"],
        "created_at": found["createdAt"],
        "updated_at": found["updatedAt"],
    }


class Sender:
    """Delivers in the background; `deliveries` remembers each try."""

    def __init__(self, config: SandboxConfig, clock: Clock) -> None:
        self.config, self.clock = config, clock
        self.deliveries: deque[dict[str, Any]] = deque(maxlen=config.log_lines)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(
        self, shop: Shop, hooks: list[Hook], targets: dict[str, list[str]], order: str = "given"
    ) -> asyncio.Task[None]:
        """Starts sending; `targets` are the addresses by topic. The task ends when all is delivered or given up."""
        if order not in ORDERS:
            raise BadOption(f"order is {order!r}; expected one of {', '.join(ORDERS)}")
        hooks = [_dated(hook, self.clock() + place / 1_000) for place, hook in enumerate(hooks)]
        jobs = [(hook, url) for hook in hooks for url in targets[hook.topic] for _ in range(hook.times)]
        if order == "reverse":
            jobs.reverse()
        elif order == "shuffle":
            random.Random(len(jobs)).shuffle(jobs)
        task = asyncio.get_running_loop().create_task(self._run(shop, jobs))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, shop: Shop, jobs: list[tuple[Hook, str]]) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            for hook, url in jobs:
                await asyncio.sleep(hook.delay)
                await self._deliver(client, shop, hook, url)

    async def _deliver(self, client: httpx.AsyncClient, shop: Shop, hook: Hook, url: str) -> None:
        body = orjson.dumps(payload_of(shop, hook.topic) if hook.payload is None else hook.payload)
        headers = self._headers(shop, hook, body)
        for attempt in range(1, RETRIES + 2):
            status = await _post(client, url, body, headers)
            self._note(shop, hook, attempt, status)
            if isinstance(status, int) and 200 <= status < 300:
                return
            await asyncio.sleep(self.config.webhook_retry_seconds * 2 ** (attempt - 1))

    def _headers(self, shop: Shop, hook: Hook, body: bytes) -> dict[str, str]:
        secret = self.config.client_secret if hook.signed else "not the secret"
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": hook.topic,
            "X-Shopify-Hmac-Sha256": sign_body(body, secret),
            "X-Shopify-Shop-Domain": shop.domain,
            "X-Shopify-API-Version": self.config.api_version,
            "X-Shopify-Webhook-Id": hook.webhook_id,
            "X-Shopify-Event-Id": hook.event_id,
            "X-Shopify-Triggered-At": hook.triggered_at or "",
        }

    def _note(self, shop: Shop, hook: Hook, attempt: int, status: int | str) -> None:
        line = {"at": iso(int(self.clock())), "domain": shop.domain, "topic": hook.topic}
        self.deliveries.append({**line, "webhook_id": hook.webhook_id, "attempt": attempt, "status": status})


async def _post(client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> int | str:
    try:
        return (await client.post(url, content=body, headers=headers)).status_code
    except httpx.TransportError as error:
        return type(error).__name__


def _dated(hook: Hook, now: float) -> Hook:
    if hook.triggered_at is not None:
        return hook
    moment = f"{iso(int(now))[:-1]}.{int(now % 1 * 1_000_000_000):09}Z"
    return Hook(**{**hook.__dict__, "triggered_at": moment})
