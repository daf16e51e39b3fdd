"""A shop's domain is one label under myshopify.com, or it is nothing."""

from __future__ import annotations

import pytest

from sync_core.config import load_settings
from sync_core.errors import BadInput, Refused
from sync_core.shopify.domains import LONGEST_DOMAIN, file_url, shop_domain, shop_url

SUFFIX = ".myshopify.com"

HOSTILE = [
    "",
    " ",
    ".myshopify.com",
    "-a.myshopify.com",
    "a.myshopify.com\n",
    "a.myshopify.com\r\nHost: evil.example",
    "a.myshopify.com.",
    "a.myshopify.com.evil.example",
    "a.myshopify.com/evil",
    "a.myshopify.com@evil.example",
    "evil.example/a.myshopify.com",
    "evil.example#a.myshopify.com",
    "evil.example?a.myshopify.com",
    "user:pass@a.myshopify.com",
    "a.b.myshopify.com",
    "a_b.myshopify.com",
    "a.myshopify.com:8080",
    "https://a.myshopify.com",
    "amyshopify.com",
    "a.myshopifyxcom",
    "a.myshopify.io",
    "%61.myshopify.com",
    "..%2f.myshopify.com",
    "\N{KELVIN SIGN}.myshopify.com",
    "ä.myshopify.com",
    "a\x00.myshopify.com",
    "{shop}.myshopify.com",
    "127.0.0.1",
    "localhost",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_no_shop_domain(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        shop_domain(text)

    assert caught.value.field == "shop"


@pytest.mark.parametrize("text", ["a.myshopify.com", "0-9.myshopify.com", "a--b.myshopify.com"])
def test_a_domain_is_kept_as_it_is(text: str) -> None:
    assert shop_domain(text) == text


def test_a_domain_is_lower_cased() -> None:
    assert shop_domain("Atelier-Moreau.MyShopify.COM") == "atelier-moreau.myshopify.com"


@pytest.mark.parametrize(("length", "taken"), [(LONGEST_DOMAIN - 1, True), (LONGEST_DOMAIN, True), (256, False)])
def test_a_domain_has_at_most_255_characters(length: int, taken: bool) -> None:
    text = "a" * (length - len(SUFFIX)) + SUFFIX

    try:
        result = shop_domain(text)
    except BadInput:
        result = ""

    assert (result == text) is taken


def test_a_shop_is_asked_at_its_own_host() -> None:
    assert shop_url("A.myshopify.com", load_settings()) == "https://a.myshopify.com"


def test_a_sandbox_is_asked_on_loopback() -> None:
    settings = load_settings(shopify_base_url="http://127.0.0.1:9292/{shop}")

    assert shop_url("a.myshopify.com", settings) == "http://127.0.0.1:9292/a.myshopify.com"


def test_a_url_is_only_made_for_a_shop_domain() -> None:
    with pytest.raises(BadInput):
        shop_url("evil.example", load_settings())


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com/shopify-tiers/bulk-1?Signature=x",
        "https://storage.googleapis.com:443/a",
        "https://files.shopify.com/a",
        "https://a.b.shopify.com/a",
        "https://one.myshopify.com/a",
    ],
)
def test_a_bulk_file_is_fetched_from_where_shopify_keeps_files(url: str) -> None:
    assert file_url(url, load_settings()) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.googleapis.com/a",
        "https://storage.googleapis.com.evil.example/a",
        "https://evil.example/storage.googleapis.com",
        "https://storage.googleapis.com@evil.example/a",
        "https://user:pass@storage.googleapis.com/a",
        "https://evilshopify.com/a",
        "https://shopify.com/a",
        "https://storage.googleapis.com:8443/a",
        "https://storage.googleapis.com:x/a",
        "https://127.0.0.1/a",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "//storage.googleapis.com/a",
        "",
    ],
)
def test_a_bulk_file_is_fetched_from_nowhere_else(url: str) -> None:
    with pytest.raises(Refused):
        file_url(url, load_settings())


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("http://127.0.0.1:9292/_storage/a", True),
        ("http://localhost:1/a", True),
        ("https://storage.googleapis.com/a", False),
        ("http://10.0.0.1/a", False),
    ],
)
def test_the_sandboxs_files_are_fetched_on_loopback_only(url: str, taken: bool) -> None:
    settings = load_settings(shopify_base_url="http://127.0.0.1:9292/{shop}")

    try:
        result = file_url(url, settings)
    except Refused:
        result = ""

    assert (result == url) is taken
