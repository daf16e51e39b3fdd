"""Collections, pages, blogs with articles, policies: made up like the rest, with believable membership.

The first collection holds every product, every third of the others what was put into it by hand, the rest what a
vendor made: there membership follows the products, and the collection itself does not change (as at Shopify, where
collections/update does not tell of it).
"""

from __future__ import annotations

from typing import NamedTuple

from sync_core.sandbox.draws import draw
from sync_core.sandbox.factory import Factory
from sync_core.sandbox.moments import iso
from sync_core.sandbox.rows import CDN, Ref, gid, slug
from sync_core.sandbox.settings import ShopSettings
from sync_core.sandbox.table import Row
from sync_core.sandbox.words import VENDORS

TOPICS = ("About us", "Shipping", "Care guide", "Size guide", "Contact", "Stockists", "Our makers", "Press")
SUBJECTS = ("How it is made", "A visit to the workshop", "Five ways to wear it", "What we learned", "New this season")
POLICIES = (
    "REFUND_POLICY", "PRIVACY_POLICY", "TERMS_OF_SERVICE", "SHIPPING_POLICY", "CONTACT_INFORMATION", "LEGAL_NOTICE",
    "SUBSCRIPTION_POLICY", "TERMS_OF_SALE",
)  # fmt: skip


class Rule(NamedTuple):
    """Whose products are in a smart collection; None: everyone's."""

    vendor: str | None


class Collections(Factory):
    """Smart and hand-made collections; `products` is a Rule or the products' Refs."""

    kind, salt = "Collection", 5

    def __init__(self, settings: ShopSettings, size: int, products: int) -> None:
        super().__init__(settings, size)
        self.products = products

    def members(self, position: int) -> Rule | list[Ref]:
        if position == 0:
            return Rule(None)
        if position % 3:
            return Rule(VENDORS[position % len(VENDORS)])
        numbers = {draw(self.key ^ 12, position * 64 + at) % self.products for at in range(12) if self.products}
        return [Ref("Product", self.first + number) for number in sorted(numbers)]

    def row(self, position: int) -> Row:
        number, members = self.id_at(position), self.members(position)
        title = "All products" if position == 0 else f"Picked by hand no. {position}"
        if position and isinstance(members, Rule):
            title = f"By {members.vendor} no. {position}"
        return {
            "__typename": "Collection",
            "id": gid("Collection", number),
            "legacyResourceId": str(number),
            "handle": slug(title),
            "title": title,
            "descriptionHtml": f"<p>{title}.</p>",
            "sortOrder": "BEST_SELLING" if isinstance(members, Rule) else "MANUAL",
            "templateSuffix": None,
            "createdAt": iso(self.created(position)),
            "updatedAt": iso(self.updated(position)),
            "seo": {"title": None, "description": None},
            "image": {
                "id": gid("ImageSource", number),
                "altText": title,
                "url": f"{CDN}/{slug(title)}.jpg",
                "width": 1_200,
                "height": 800,
            },
            "products": members,
        }


class Pages(Factory):
    """Pages of the online store, the last of five a draft."""

    kind, salt = "Page", 6

    def row(self, position: int) -> Row:
        title = f"{TOPICS[position % len(TOPICS)]} no. {position + 1}"
        return self.text(position, title) | {"bodySummary": f"{title}."}

    def text(self, position: int, title: str) -> Row:
        """What a page and an article have in common."""
        number, created = self.id_at(position), iso(self.created(position))
        shown = position % 5 != 4
        return {
            "__typename": self.kind,
            "id": gid(self.kind, number),
            "handle": slug(title),
            "title": title,
            "body": f"<p>{title}.</p>",
            "isPublished": shown,
            "publishedAt": created if shown else None,
            "createdAt": created,
            "updatedAt": iso(self.updated(position)),
            "templateSuffix": None,
        }


class Blogs(Factory):
    """Blogs; how many articles each has is counted when it is asked."""

    kind, salt = "Blog", 7

    def row(self, position: int) -> Row:
        number, title = self.id_at(position), f"Journal no. {position + 1}"
        return {
            "__typename": "Blog",
            "id": gid("Blog", number),
            "handle": slug(title),
            "title": title,
            "createdAt": iso(self.created(position)),
            "updatedAt": iso(self.updated(position)),
            "tags": ["news"],
            "templateSuffix": None,
        }


class Articles(Pages):
    """Articles, dealt to the blogs in turn."""

    kind, salt = "Article", 8

    def row(self, position: int) -> Row:
        title = f"{SUBJECTS[position % len(SUBJECTS)]} no. {position + 1}"
        return self.text(position, title) | {
            "summary": f"<p>{title}.</p>" if position % 2 else None,
            "tags": ["craft", "news"][: 1 + position % 2],
            "author": {"name": "Sam Owner"},
            "image": None,
            "blog": Ref("Blog", self.first + position % max(1, self.settings.blogs)),
        }


class Policies(Factory):
    """The policies that the shop has written, at most one a kind."""

    kind, salt = "ShopPolicy", 9

    def __init__(self, settings: ShopSettings, size: int) -> None:
        super().__init__(settings, min(size, len(POLICIES)))

    def row(self, position: int) -> Row:
        kind, written = POLICIES[position], iso(self.created(position))
        return {
            "__typename": "ShopPolicy",
            "id": gid("ShopPolicy", self.id_at(position)),
            "type": kind,
            "title": kind.replace("_", " ").capitalize(),
            "body": f"<p>{self.settings.name}: {kind.replace('_', ' ').lower()}.</p>",
            "url": f"https://{self.settings.domain}/policies/{kind.replace('_', '-').lower()}",
            "createdAt": written,
            "updatedAt": written,
        }
