"""Which texts are a shop's domain, and where that shop is asked.

Everything that puts a shop into a URL comes through here, so a request never goes to another host.
"""

from __future__ import annotations

import re

from sync_core.config import Settings
from sync_core.errors import BadInput

LONGEST_DOMAIN = 255
SHOP_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")


def shop_domain(text: str) -> str:
    """The shop's domain in `text`, lower-cased.

    Errors: BadInput (field `shop`) for anything but one `name.myshopify.com` of at most 255 characters.
    """
    # str.lower() turns some letters outside ASCII (the Kelvin sign) into ASCII ones
    domain = text.lower() if text.isascii() else ""
    if len(domain) > LONGEST_DOMAIN or not SHOP_DOMAIN.fullmatch(domain):
        raise BadInput("shop must be a domain like name.myshopify.com", field="shop")
    return domain


def shop_url(domain: str, settings: Settings) -> str:
    """The base URL of a shop, without a slash at its end, by SHOPIFY_BASE_URL.

    Errors: BadInput, as `shop_domain`.
    """
    return settings.shopify_base_url.replace("{shop}", shop_domain(domain))
