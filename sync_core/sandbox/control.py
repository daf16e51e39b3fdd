"""Steers a running sandbox over HTTP: what a test does to Shopify, as methods."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import httpx

Json = Any


class SandboxControl:
    """The control API of the sandbox at `base_url`. Every method raises httpx.HTTPStatusError when it is refused."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.Client(base_url=self.base_url, timeout=120, trust_env=False)

    def __enter__(self) -> SandboxControl:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def put_shop(self, domain: str, **settings: Json) -> Json:
        """Makes or remakes a shop; `keep=True` starts from what it is now instead of from its name."""
        return self._call("PUT", f"shops/{domain}", settings)

    def shop(self, domain: str) -> Json:
        """{"settings", "counts", "install", "faults", "throttle"}."""
        return self._call("GET", f"shops/{domain}")

    def shops(self) -> Json:
        return self._call("GET", "shops")

    def rows(self, domain: str, kind: str) -> list[dict[str, Json]]:
        """Every row of products, variants, customers, orders, line_items, refunds, collections, collection_products,
        pages, blogs, articles or policies; ids are numbers as text.
        """
        return list(self._call("GET", f"shops/{domain}", rows=kind))

    def create(self, domain: str, kind: str, *, count: int = 1, webhook: bool = False, **fields: Json) -> list[str]:
        """New rows of a kind; answers their numbers."""
        body = {"count": count, "webhook": webhook, "fields": fields}
        return list(self._call("POST", f"shops/{domain}/{kind}", body)["ids"])

    def update(self, domain: str, kind: str, number: str | int, *, webhook: bool = False, **fields: Json) -> Json:
        """Changes a row and moves its updatedAt."""
        return self._call("PATCH", f"shops/{domain}/{kind}/{number}", {"webhook": webhook, "fields": fields})

    def delete(self, domain: str, kind: str, number: str | int, *, webhook: bool = False) -> Json:
        return self._call("DELETE", f"shops/{domain}/{kind}/{number}", webhook="1" if webhook else "0")

    def fault(self, domain: str, kind: str | int, **more: Json) -> Json:
        """Sets one fault in place of all others: times, after, probability, operation, seconds, retry_after, field."""
        return self.faults(domain, [{"kind": str(kind), **more}])

    def faults(self, domain: str, faults: Sequence[dict[str, Json]]) -> Json:
        return self._call("PUT", f"shops/{domain}/faults", {"faults": list(faults)})

    def heal(self, domain: str) -> None:
        """Removes every fault."""
        self._call("DELETE", f"shops/{domain}/faults")

    def mint(self, domain: str, *, scopes: Sequence[str] | None = None, expiring: bool = True) -> dict[str, Json]:
        """Installs the app without a click; answers the token endpoint's answer."""
        body = {"expiring": expiring} | ({} if scopes is None else {"scopes": list(scopes)})
        return dict(self._call("POST", f"shops/{domain}/tokens", body))

    def rescope(self, domain: str, scopes: Sequence[str]) -> None:
        self._call("PUT", f"shops/{domain}/scopes", {"scopes": list(scopes)})

    def revoke(self, domain: str, *, refresh: bool = True) -> None:
        """Ends the access tokens and, unless refresh is False, the refresh tokens."""
        self._call("POST", f"shops/{domain}/revoke", {"refresh": refresh})

    def unsubscribe(self, domain: str, topic: str | None = None) -> None:
        """Drops the subscriptions to a topic of the Admin API (ORDERS_CREATE), or all of the shop's."""
        self._call("POST", f"shops/{domain}/unsubscribe", {"topic": topic})

    def uninstall(self, domain: str, *, webhook: bool = True, wait: bool = False, **more: Json) -> Json:
        """`delay` seconds before the webhook, `times` it is sent."""
        return self._call("POST", f"shops/{domain}/uninstall", {"webhook": webhook, "wait": wait, **more})

    def webhook(self, domain: str, topic: str, *, wait: bool = True, **more: Json) -> Json:
        """Sends one event: payload, times, delay, webhook_id, event_id, triggered_at, signed."""
        return self._call("POST", f"shops/{domain}/webhook", {"topic": topic, "wait": wait, **more})

    def webhooks(
        self, domain: str, items: Sequence[dict[str, Json]], *, order: str = "given", wait: bool = True
    ) -> Json:
        """Sends several events; order: given, reverse or shuffle."""
        return self._call("POST", f"shops/{domain}/webhook", {"items": list(items), "order": order, "wait": wait})

    def drain(self, domain: str, *, left: int = 0) -> Json:
        """Empties the shop's bucket of points."""
        return self._call("PUT", f"shops/{domain}/bucket", {"left": left})

    def log(self, domain: str | None = None, *, operation: str | None = None) -> list[dict[str, Json]]:
        """What was served: at, domain, operation, status, fault, first, after, rows, points, request_id."""
        return list(self._call("GET", "log", domain=domain, operation=operation))

    def forget_log(self) -> None:
        self._call("DELETE", "log")

    def deliveries(self, domain: str | None = None, *, topic: str | None = None) -> list[dict[str, Json]]:
        """Each try to deliver a webhook, with its status."""
        return list(self._call("GET", "deliveries", domain=domain, topic=topic))

    def healthz(self) -> Json:
        return self._call("GET", "healthz")

    def _call(self, method: str, path: str, body: Json = None, **query: str | None) -> Json:
        given = {name: value for name, value in query.items() if value is not None}
        answer = self._http.request(method, f"/_sandbox/{path}", json=body, params=given)
        answer.raise_for_status()
        return answer.json()
