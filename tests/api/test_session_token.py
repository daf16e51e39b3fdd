"""An embedded app's fetch speaks by Shopify's session token: signed by our secret, for our app, in its time."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from tests.api.client import TestClient
from tests.api.conftest import DOMAIN, OLD_SECRET, SECRET, Shops


def bearing(*, secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> dict[str, str]:
    """Headers with a session token that is good but for `changes`; None leaves a claim out."""
    now = int(time.time())
    claims = {"dest": f"https://{DOMAIN}", "aud": "test-key", "exp": now + 60, "nbf": now - 1, "sub": "1", **changes}
    token = jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)
    return {"Authorization": f"Bearer {token}"}


def test_a_session_token_needs_no_origin(api: TestClient, shops: Shops) -> None:
    shops.install()

    reply = api.post("/api/sync", headers=bearing())

    assert (reply.status_code, reply.json()["message"]) == (202, "Sync started")


def test_the_old_secret_signs_while_rotating(api: TestClient, shops: Shops) -> None:
    shops.install()

    assert api.get("/api/sync/status", headers=bearing(secret=OLD_SECRET)).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another-secret-of-more-than-32-bytes"},
        {"secret": "", "algorithm": "none"},
        {"algorithm": "HS512", "secret": SECRET * 2},
        {"aud": "another-app"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"dest": "https://other.myshopify.com"},
        {"dest": "https://evil.example"},
        {"dest": None},
        {"dest": 7},
        {"dest": [f"https://{DOMAIN}"]},
    ],
)
def test_another_token_connects_no_shop(api: TestClient, shops: Shops, wrong: dict[str, Any]) -> None:
    shops.install()

    reply = api.post("/api/sync", headers=bearing(**wrong))

    assert (reply.status_code, reply.json()) == (401, {"error": "No shop connected"})


def test_a_wrong_token_is_not_mended_by_a_cookie(api: TestClient, shops: Shops) -> None:
    shops.sign_in(api, shops.install())

    assert api.get("/api/sync/status", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_token_of_an_uninstalled_shop_connects_nothing(api: TestClient, shops: Shops) -> None:
    shops.in_state("uninstalled")

    assert api.post("/api/sync", headers=bearing()).status_code == 401
