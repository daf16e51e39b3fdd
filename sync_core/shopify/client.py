"""Asks one shop's Admin GraphQL API: transport, throttle, retries. Knows no tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import structlog

from sync_core.config import Settings
from sync_core.errors import Held, Throttled, Unavailable
from sync_core.shopify.answers import Cost, Reply, TooSlow, from_transport, read_reply
from sync_core.shopify.domains import shop_url
from sync_core.shopify.patience import Patience
from sync_core.shopify.throttle import Limiter
from sync_core.states import Hold

log = structlog.get_logger()

TIMEOUTS = httpx.Timeout(30, connect=5)
"""Seconds. Shopify itself gives up on a query after 10."""


@dataclass
class Spent:
    """What a client has used so far; `points` are the actual ones."""

    requests: int = 0
    points: int = 0
    bytes: int = 0


def open_http(*, connections: int = 64) -> httpx.Client:
    """The one HTTP client of a process: explicit timeouts, no redirects (a token stays with its shop)."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.Client(timeout=TIMEOUTS, follow_redirects=False, limits=limits)


class ShopifyClient:
    """One shop, as one run sees it. `fresh_token(used)` is asked once per query when Shopify refuses the token."""

    def __init__(
        self,
        domain: str,
        access_token: str,
        *,
        settings: Settings,
        http: httpx.Client,
        limiter: Limiter,
        patience: Patience | None = None,
        fresh_token: Callable[[str], str] | None = None,
    ) -> None:
        self.spent = Spent()
        self.bucket: Cost | None = None
        self._version = settings.shopify_api_version
        self._url = f"{shop_url(domain, settings)}/admin/api/{self._version}/graphql.json"
        self._token = access_token
        self._http = http
        self._limiter = limiter
        self._patience = patience or Patience()
        self._fresh_token = fresh_token

    def use(self, access_token: str) -> None:
        """Send this token from now on."""
        self._token = access_token

    def execute(
        self, document: str, variables: dict[str, Any] | None = None, *, once: bool = False, expected: float = 0.0
    ) -> Reply:
        """Shopify's answer to one query.

        Waits for the shop's bucket, tries again what may pass (bounded). A page that was too slow is not
        repeated as it is: whoever asked asks for less. `once`: repeat only what was surely not carried out.
        `expected`: the points of a query that was not asked before.
        Errors: every ShopifyError; Released while waiting.
        """
        asked = variables or {}
        try:
            return self._patiently(document, asked, once=once, expected=expected)
        except Held as error:
            if error.hold is not Hold.REAUTHORISE or self._fresh_token is None:
                raise
            self._token = self._fresh_token(self._token)
            return self._patiently(document, asked, once=once, expected=expected)

    def _patiently(self, document: str, variables: dict[str, Any], *, once: bool, expected: float) -> Reply:
        def repeatable(error: Unavailable) -> bool:
            if once:
                return isinstance(error, Throttled)
            return not (isinstance(error, TooSlow) and "first" in variables)

        return self._patience.call(lambda: self._once(document, variables, expected), repeatable=repeatable)

    def _once(self, document: str, variables: dict[str, Any], expected: float) -> Reply:
        query = (document, variables.get("first"))
        while seconds := self._limiter.take(query, expected=expected):
            self._patience.wait(seconds)
        told: list[Cost] = []
        try:
            response = self._post(document, variables)
            self._notice_version(response)
            reply = read_reply(response, on_cost=told.append)
        finally:
            self._settle(query, told[0] if told else None)
        self.spent.bytes += reply.bytes
        return reply

    def _settle(self, query: tuple[str, Any], cost: Cost | None) -> None:
        self._limiter.settle(query, cost)
        if cost:
            self.bucket = cost
            self.spent.points += round(cost.actual)

    def _notice_version(self, response: httpx.Response) -> None:
        # Shopify answers for a version that it no longer serves with the oldest that it does, silently.
        answered = response.headers.get("X-Shopify-API-Version", self._version)
        if answered != self._version:
            log.warning("shopify.version", asked=self._version, answered=answered)
            self._version = answered

    def _post(self, document: str, variables: dict[str, Any]) -> httpx.Response:
        self.spent.requests += 1
        headers = {"X-Shopify-Access-Token": self._token, "Content-Type": "application/json"}
        content = orjson.dumps({"query": document, "variables": variables})
        try:
            return self._http.post(self._url, content=content, headers=headers)
        except httpx.RequestError as error:
            raise from_transport(error) from error
