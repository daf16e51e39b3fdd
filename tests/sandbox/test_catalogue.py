"""Shopify's product export, with everything merchants do to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_core.sandbox.catalogue import OWN, BadCatalogue, read_catalogue
from tests.sandbox.app import App
from tests.sandbox.conftest import MakeApp

SHARED = sorted((Path(__file__).parents[3] / "shared" / "data").glob("*.csv"))
HEAD = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Image Src\n"


def write(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = folder / "export.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_rows_of_one_handle_are_one_product_with_inherited_option_names(tmp_path: Path) -> None:
    path = write(
        tmp_path, HEAD + "hat,Hat,Size,S,Colour,Red,A,10,\nhat,,,M,,Red,B,11,\ncap,Cap,Title,Default Title,,,C,5,\n"
    )

    hat, cap = read_catalogue(path)

    assert hat.names == ("Size", "Colour")
    assert [variant.values for variant in hat.variants] == [("S", "Red"), ("M", "Red")]
    assert (cap.names, cap.variants[0].values) == (("Title",), ("Default Title",))


def test_rows_of_a_handle_need_not_be_neighbours(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "hat,Hat,Size,S,,,A,10,\ncap,Cap,,,,,C,5,\nhat,,,M,,,B,11,\n")

    assert [len(product.variants) for product in read_catalogue(path)] == [2, 1]


def test_a_row_with_only_an_image_is_no_variant(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "hat,Hat,Size,S,,,A,10,\nhat,,,,,,,,https://cdn.example.com/2.jpg\n")

    product = read_catalogue(path)[0]

    assert len(product.variants) == 1
    assert product.image == "https://cdn.example.com/2.jpg"


def test_a_byte_order_mark_and_quoted_newlines_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffHandle,Title,Body (HTML),Variant Price\nhat,"A ""Hat""","<p>one\ntwo</p>",3\n')

    product = read_catalogue(path)[0]

    assert (product.text("Title"), product.text("Body (HTML)")) == ('A "Hat"', "<p>one\ntwo</p>")


@pytest.mark.parametrize(("price", "cents"), [("", 0), ("0", 0), ("9.99", 999), ("1000", 100_000), (" 5.5 ", 550)])
def test_prices_are_exact_and_an_empty_one_is_zero(tmp_path: Path, price: str, cents: int) -> None:
    path = write(tmp_path, f"Handle,Title,Variant Price\nhat,Hat,{price}\n")

    assert read_catalogue(path)[0].variants[0].price == cents


def test_an_unreadable_price_names_file_line_and_column(tmp_path: Path) -> None:
    path = write(tmp_path, "Handle,Title,Variant Price\nhat,Hat,ten\n")

    with pytest.raises(BadCatalogue, match=r"export\.csv, line 2: Variant Price is 'ten'"):
        read_catalogue(path)


def test_a_file_that_is_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCatalogue, match="no column Handle"):
        read_catalogue(write(tmp_path, "name,price\nhat,3\n"))


def test_a_row_without_handle_is_skipped(tmp_path: Path) -> None:
    assert read_catalogue(write(tmp_path, "Handle,Title,Variant Price\n,Lost,1\nhat,Hat,3\n"))[0].handle == "hat"


def test_tags_status_and_stock_come_from_their_columns(tmp_path: Path) -> None:
    head = (
        "Handle,Title,Tags,Status,Variant Inventory Qty,Variant Inventory Policy,Variant Compare At Price,Cost per item"
    )
    path = write(tmp_path, f'{head}\nhat,Hat,"b, A, b",draft,-3,continue,12.50,4\n')

    product = read_catalogue(path)[0]

    variant = product.variants[0]
    assert (product.tags, product.status) == (["A", "b"], "DRAFT")
    assert (variant.quantity, variant.policy, variant.compare_at, variant.cost) == (-3, "CONTINUE", 1_250, 400)


@pytest.mark.parametrize("path", [*sorted(OWN.glob("*.csv")), *SHARED], ids=lambda path: path.stem)
def test_a_whole_export_reads(path: Path) -> None:
    products = read_catalogue(path)

    assert len(products) >= 6
    assert all(product.variants and product.text("Title") for product in products)


def test_a_shop_serves_its_catalogue(make_app: MakeApp) -> None:
    domain = "kittiwake.myshopify.com"
    app = make_app(catalogues={domain: "knitwear"})
    app.install(domain)
    query = """{ products(first: 6) { nodes { title hasOnlyDefaultVariant status options { name values }
      variants(first: 12) { nodes { title sku price compareAtPrice selectedOptions { name value } } } } } }"""

    nodes = app.ask(query, domain)["data"]["products"]["nodes"]

    socks = next(node for node in nodes if node["title"] == "Tide Socks")
    assert [option["name"] for option in socks["options"]] == ["Size", "Colour", "Pack"]
    assert socks["variants"]["nodes"][1]["title"] == "36-39 / Blue / 3 pairs"
    scarf = next(node for node in nodes if node["title"] == "The Long Scarf")
    assert (scarf["hasOnlyDefaultVariant"], scarf["variants"]["nodes"][0]["title"]) == (True, "Default Title")


def test_orders_of_a_catalogue_shop_buy_its_products(app: App) -> None:
    domain = "lamplight.myshopify.com"
    app.control.put_shop(domain, catalogue="roastery", orders=40)

    lines = app.control.rows(domain, "line_items")

    assert {line["productId"] for line in lines} <= {row["id"] for row in app.control.rows(domain, "products")}
    assert {line["sku"] for line in lines} <= {row["sku"] for row in app.control.rows(domain, "variants")}
