"""The merchant's page: self-contained, its script allowed by a nonce, nothing of the address trusted."""

from __future__ import annotations

import re

import pytest

from dashboard.api.app import create_app
from dashboard.api.desk import Door
from tests.api.client import TestClient
from tests.api.conftest import DOMAIN


@pytest.fixture
def page() -> TestClient:
    """The page needs no desk: it is served while the database is away."""

    def closed() -> None:
        raise AssertionError("the page opened the desk")

    return TestClient(create_app(Door(closed)))  # type: ignore[arg-type]


def test_the_page_names_the_shop(page: TestClient) -> None:
    reply = page.get("/onboarding", params={"shop": DOMAIN, "mode": "oauth_complete"})

    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'<p class="shop">{DOMAIN}</p>' in reply.text
    assert "You can safely close this page: we go on without it." in reply.text


@pytest.mark.parametrize("shop", ["<script>alert(1)</script>", "evil.example", "", "a.myshopify.com<b>"])
def test_what_is_no_domain_is_not_shown(page: TestClient, shop: str) -> None:
    reply = page.get("/onboarding", params={"shop": shop})

    assert '<p class="shop">your shop</p>' in reply.text
    assert "<b>" not in reply.text.partition("<ul")[0]
    assert "alert(1)" not in reply.text


def test_only_the_pages_own_script_and_style_run(page: TestClient) -> None:
    reply = page.get("/onboarding")

    rules = dict(rule.split(" ", 1) for rule in reply.headers["content-security-policy"].split("; "))
    nonce = rules["script-src"].removeprefix("'nonce-").removesuffix("'")
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["style-src"] == f"'nonce-{nonce}'"
    assert re.findall(r"<(?:script|style)[^>]*>", reply.text) == [
        f'<style nonce="{nonce}">',
        f'<script nonce="{nonce}">',
    ]
    assert not re.search(r'\son\w+=|\sstyle="', reply.text)


def test_each_answer_has_a_nonce_of_its_own(page: TestClient) -> None:
    first, second = (page.get("/onboarding").headers["content-security-policy"] for _ in range(2))

    assert first != second


def test_the_page_asks_no_other_host(page: TestClient) -> None:
    reply = page.get("/onboarding", params={"shop": DOMAIN})

    assert re.findall(r"(?:https?:)?//[a-z]", reply.text) == []


def test_the_address_does_not_travel(page: TestClient) -> None:
    headers = page.get("/onboarding").headers

    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert headers["x-frame-options"] == "DENY"


def test_a_change_of_state_is_spoken(page: TestClient) -> None:
    text = page.get("/onboarding").text

    assert '<span id="headline" role="status" aria-live="polite">' in text
    assert 'role="alert"' in text
