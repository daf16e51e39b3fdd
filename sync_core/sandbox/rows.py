"""How one object looks in the Admin API: the shapes that made-up, imported and edited rows share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sync_core.sandbox.draws import child_id
from sync_core.sandbox.table import Made, Row

CDN = "https://cdn.example.com"


class Ref(NamedTuple):
    """Points to a row of another table; null in an answer when that row is gone."""

    kind: str
    number: int


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def number_of(identity: str) -> int | None:
    """The number of a gid or of a plain numeric id; None when there is none."""
    tail = identity.rsplit("/", 1)[-1].partition("?")[0]
    return int(tail) if tail.isdecimal() else None


def cents(amount: int) -> str:
    """1299 → "12.99"."""
    return f"{amount // 100}.{amount % 100:02}" if amount >= 0 else f"-{cents(-amount)}"


def money(amount: str, currency: str) -> Row:
    return {"amount": amount, "currencyCode": currency}


def bag(amount: int, currency: str) -> Row:
    """A MoneyBag from cents; both sides are the shop's money."""
    value = {"amount": cents(amount), "currencyCode": currency}
    return {"shopMoney": value, "presentmentMoney": value}


def slug(title: str) -> str:
    """A handle as Shopify makes it: lower case, anything else than letters and digits becomes one hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "product"


def product_row(
    *,
    number: int,
    title: str,
    vendor: str,
    kind: str,
    tags: Sequence[str],
    status: str,
    body: str,
    created: str,
    updated: str,
    shop: Any,
    axes: Sequence[tuple[str, Sequence[str]]],
    prices: tuple[int, int],
    inventory: int,
    variants: Sequence[Row],
    handle: str | None = None,
    published: bool = True,
    image: str | None = "",
    seo: tuple[str | None, str | None] = (None, None),
    gift_card: bool = False,
) -> Row:
    """A Product. `image`: a URL, "" for a made-up one, None for none. `prices`: lowest and highest in cents."""
    handle = handle or slug(title)
    media = None if image is None else media_row(number, title, image or f"{CDN}/{handle}.jpg", created)
    return {
        "__typename": "Product",
        "id": f"gid://shopify/Product/{number}",
        "legacyResourceId": str(number),
        "handle": handle,
        "title": title,
        "status": status,
        "vendor": vendor,
        "productType": kind,
        "tags": list(tags),
        "description": re.sub(r"<[^>]+>", "", body) if "<" in body else body,
        "descriptionHtml": body,
        "templateSuffix": None,
        "isGiftCard": gift_card,
        "totalInventory": inventory,
        "tracksInventory": True,
        "hasOnlyDefaultVariant": len(variants) == 1 and axes[0][0] == "Title",
        "hasOutOfStockVariants": inventory <= 0,
        "onlineStoreUrl": f"https://{shop.domain}/products/{handle}" if published and status == "ACTIVE" else None,
        "onlineStorePreviewUrl": f"https://{shop.domain}/products/{handle}",
        "publishedAt": created if published and status == "ACTIVE" else None,
        "createdAt": created,
        "updatedAt": updated,
        "defaultCursor": str(number),
        "seo": {"title": seo[0], "description": seo[1]},
        "category": None,
        "options": Made(lambda at: option_row(number, at + 1, *axes[at]), len(axes)),
        "featuredMedia": media,
        "media": [] if media is None else [media],
        "mediaCount": {"count": 0 if media is None else 1, "precision": "EXACT"},
        "priceRangeV2": {
            "minVariantPrice": money(cents(prices[0]), shop.currency),
            "maxVariantPrice": money(cents(prices[1]), shop.currency),
        },
        "variants": variants,
        "variantsCount": {"count": len(variants), "precision": "EXACT"},
    }


def option_row(number: int, place: int, name: str, values: Sequence[str]) -> Row:
    """The option at `place` (1 to 3) of a product."""

    def value_row(at: int) -> Row:
        identity = gid("ProductOptionValue", child_id(number, 2_048, place * 512 + at))
        return {"id": identity, "name": values[at], "hasVariants": True}

    return {
        "id": gid("ProductOption", child_id(number, 4, place)),
        "name": name,
        "position": place,
        "values": list(values),
        "optionValues": Made(value_row, len(values)),
    }


def media_row(number: int, alt: str, url: str, created: str) -> Row:
    image = {"id": gid("ImageSource", number), "altText": alt, "url": url, "width": 1_200, "height": 1_200}
    return {
        "__typename": "MediaImage",
        "id": gid("MediaImage", number),
        "alt": alt,
        "mediaContentType": "IMAGE",
        "status": "READY",
        "createdAt": created,
        "updatedAt": created,
        "image": image,
        "preview": {"image": image, "status": "READY"},
    }


def variant_row(
    *,
    number: int,
    product: int,
    product_title: str,
    options: Sequence[tuple[str, str]],
    sku: str | None,
    barcode: str | None,
    position: int,
    price: str,
    compare_at: str | None,
    cost: str | None,
    quantity: int,
    policy: str,
    currency: str,
    created: str,
    updated: str,
) -> Row:
    """A ProductVariant; its title is its option values joined by " / "."""
    title = " / ".join([value for _, value in options])
    return {
        "__typename": "ProductVariant",
        "id": f"gid://shopify/ProductVariant/{number}",
        "legacyResourceId": str(number),
        "title": title,
        "displayName": f"{product_title} - {title}",
        "sku": sku,
        "barcode": barcode,
        "position": position,
        "price": price,
        "compareAtPrice": compare_at,
        "availableForSale": quantity > 0 or policy == "CONTINUE",
        "inventoryPolicy": policy,
        "inventoryQuantity": quantity,
        "createdAt": created,
        "updatedAt": updated,
        "selectedOptions": [{"name": name, "value": value} for name, value in options],
        "product": Ref("Product", product),
        "inventoryItem": {
            "__typename": "InventoryItem",
            "id": f"gid://shopify/InventoryItem/{number}",
            "legacyResourceId": str(number),
            "sku": sku,
            "tracked": True,
            "unitCost": None if cost is None else {"amount": cost, "currencyCode": currency},
            "requiresShipping": True,
            "createdAt": created,
            "updatedAt": updated,
        },
        "taxable": True,
        "defaultCursor": str(number),
    }
