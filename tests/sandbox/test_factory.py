"""Made-up shops: the same every time, any size, money that adds up."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal

import pytest

from sync_core.sandbox.config import BadOption, SandboxConfig, load_config, variant_range
from sync_core.sandbox.factory import Products
from sync_core.sandbox.orders import Orders
from sync_core.sandbox.settings import draw_settings
from sync_core.sandbox.shops import Shops
from sync_core.sandbox.state import Journal
from sync_core.sandbox.truth import rows

AS_OF = 1_795_000_000
DOMAIN = "northern-oak.myshopify.com"


def made(**options: object) -> Shops:
    return Shops(SandboxConfig(**options), Journal(), lambda: AS_OF)  # type: ignore[arg-type]


def test_the_same_seed_and_domain_make_the_same_rows() -> None:
    first, second = (list(rows(made(products=20).get(DOMAIN), "variants")) for _ in range(2))

    assert first == second


def test_another_seed_makes_other_rows_with_the_same_ids() -> None:
    first, second = (list(rows(made(products=20, seed=seed).get(DOMAIN), "products")) for seed in (1, 2))

    assert [row["id"] for row in first] == [row["id"] for row in second]
    assert [row["title"] for row in first] != [row["title"] for row in second]


def test_handles_of_a_large_shop_are_unique() -> None:
    products = Products(draw_settings(DOMAIN, SandboxConfig(), AS_OF), 5_000)

    handles = {products.row(position)["handle"] for position in range(5_000)}

    assert len(handles) == 5_000


@pytest.mark.parametrize("count", [1, 2, 6, 7, 40, 200])
def test_variants_of_a_product_differ_in_their_options(count: int) -> None:
    shop = made(products=1, variants=(count, count)).get(DOMAIN)

    titles = [row["title"] for row in rows(shop, "variants")]

    assert len(titles) == len(set(titles)) == count


def test_an_orders_money_adds_up_to_the_cent() -> None:
    settings = draw_settings(DOMAIN, SandboxConfig(), AS_OF)
    orders = Orders(settings, 300, Products(settings, 50), 20)

    for position in range(300):
        row = orders.row(position)
        total, subtotal, tax, shipping, off = (
            Decimal(row[name]["shopMoney"]["amount"])
            for name in (
                "totalPriceSet",
                "subtotalPriceSet",
                "totalTaxSet",
                "totalShippingPriceSet",
                "totalDiscountsSet",
            )
        )
        lines = [Decimal(line["originalTotalSet"]["shopMoney"]["amount"]) for line in row["lineItems"]]
        assert total == subtotal + tax + shipping
        assert subtotal == sum(lines) - off


def test_times_lie_in_the_past_and_in_order() -> None:
    products = Products(draw_settings(DOMAIN, SandboxConfig(), AS_OF), 400)

    created = [products.created(position) for position in range(400)]

    assert created == sorted(created)
    assert all(products.created(at) <= products.updated(at) <= AS_OF for at in range(400))


def test_a_shop_of_100000_products_costs_little_memory() -> None:
    shop = made(products=100_000, variants=(5, 5)).get(DOMAIN)
    tracemalloc.start()

    shop.products.order("ID")
    shop.products.get(shop.products.order("ID").ids[77_777])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


def test_most_unknown_shops_are_small_and_some_are_large() -> None:
    shops = made()

    sizes = [shops.get(f"shop-{number}.myshopify.com").settings.products for number in range(300)]

    assert all(20 <= size <= 400 or 1_200 <= size <= 2_400 for size in sizes)
    assert 5 <= sum(size > 400 for size in sizes) <= 60


@pytest.mark.parametrize(("text", "found"), [("5", (5, 5)), ("1-6", (1, 6)), (3, (3, 3))])
def test_variants_are_a_number_or_a_range(text: str | int, found: tuple[int, int]) -> None:
    assert variant_range(text) == found


@pytest.mark.parametrize("text", ["", "six", "0", "6-1", "2049", "-1"])
def test_variants_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(BadOption, match="variants"):
        variant_range(text)


def test_options_left_out_keep_their_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_CLIENT_ID", "key-from-env")

    config = load_config(products=None, sizes=None, latency_ms=5)

    assert (config.client_id, config.client_secret, config.sizes, config.latency_ms) == (
        "key-from-env",
        "sandbox-secret",
        "mixed",
        5,
    )


def test_a_catalogue_option_names_a_file_that_exists() -> None:
    with pytest.raises(BadOption, match=r"domain=path\.csv"):
        load_config(catalogue=["shop.myshopify.com=nowhere.csv"])
