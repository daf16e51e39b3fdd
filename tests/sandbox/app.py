"""The app's side of the conversation, as short as a test needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from sync_core.sandbox.control import SandboxControl
from sync_core.sandbox.running import Running

DOMAIN = "northern-oak.myshopify.com"
SCOPES = "read_products,read_orders,read_customers"
CALLBACK = "http://127.0.0.1:1/auth/callback"


@dataclass
class Hands:
    """A clock that a test moves."""

    seconds: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class App:
    """Speaks to the sandbox through `client`; `token` is the latest access token."""

    client: httpx.Client
    server: Running
    token: str = ""
    grant: dict[str, Any] = field(default_factory=dict)

    def authorize(self, domain: str = DOMAIN, **query: str) -> httpx.Response:
        asked = {
            "client_id": self.server.config.client_id,
            "scope": SCOPES,
            "redirect_uri": CALLBACK,
            "state": "s1",
            "auto": "1",
            **query,
        }
        return self.client.get(f"/{domain}/admin/oauth/authorize", params=asked, follow_redirects=False)

    def redirected(self, domain: str = DOMAIN, **query: str) -> dict[str, str]:
        """The query that came back to the callback."""
        return dict(parse_qsl(urlsplit(self.authorize(domain, **query).headers["location"]).query))

    def exchange(self, domain: str = DOMAIN, **body: str) -> httpx.Response:
        credentials = {"client_id": self.server.config.client_id, "client_secret": self.server.config.client_secret}
        return self.client.post(f"/{domain}/admin/oauth/access_token", json=credentials | body)

    def install(self, domain: str = DOMAIN, *, scope: str = SCOPES, expiring: str = "1") -> None:
        code = self.redirected(domain, scope=scope)["code"]
        self.grant = self.exchange(domain, code=code, expiring=expiring).json()
        self.token = self.grant["access_token"]

    def post(
        self, document: str, domain: str = DOMAIN, /, *, version: str = "2026-10", **variables: Any
    ) -> httpx.Response:
        return self.client.post(
            f"/{domain}/admin/api/{version}/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": self.token},
        )

    def ask(self, document: str, domain: str = DOMAIN, /, **variables: Any) -> dict[str, Any]:
        """The answer's body."""
        return dict(self.post(document, domain, **variables).json())

    @property
    def control(self) -> SandboxControl:
        return self.server.control

    def drain(self, document: str, root: str, /, **variables: Any) -> list[dict[str, Any]]:
        """Every node of a root connection, page after page."""
        nodes, after = [], None
        while True:
            page = self.ask(document, after=after, **variables)["data"][root]
            nodes += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]
