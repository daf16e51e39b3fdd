"""Which texts are a shop's domain, and where that shop is asked.

Everything that puts a shop into a URL comes through here, so a request never goes to another host.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sync_core.config import LOOPBACK_HOSTS, Settings
from sync_core.errors import BadInput, Refused

LONGEST_DOMAIN = 255
FILE_HOST = re.compile(r"storage\.googleapis\.com|(?:[a-z0-9-]+\.)+(?:shopify|myshopify)\.com")
"""Where Shopify keeps the files of bulk operations."""
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


def file_url(url: str, settings: Settings) -> str:
    """The address of a bulk operation's file, as Shopify's own answer named it.

    Errors: Refused for anything but https on a host where Shopify keeps them; in the sandbox, but loopback.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("Shopify named a file at no readable address") from None
    if settings.sandboxed:
        allowed = parts.scheme == "http" and host in LOOPBACK_HOSTS
    else:
        allowed = parts.scheme == "https" and port in (None, 443) and FILE_HOST.fullmatch(host) is not None
    if not allowed or parts.username is not None:
        raise Refused("Shopify named a file on a host that is not its storage")
    return url
