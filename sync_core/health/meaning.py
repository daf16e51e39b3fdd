"""What somebody who typed or pasted a text into the search means. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

OWN_DOMAIN = re.compile(r"([a-z0-9][a-z0-9-]*)\.myshopify\.com", re.ASCII)
ADMIN = re.compile(r"admin\.shopify\.com/store/([a-z0-9][a-z0-9-]*)", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """One of: a shop's own domain, a storefront's host, or a text to be found anywhere. All in small letters."""

    text: str
    domain: str | None = None
    host: str | None = None


def meaning(text: str) -> Wanted:
    """Read an address of the admin, of a shop or of a storefront; anything else is text."""
    folded = text.strip().casefold()
    own, admin = OWN_DOMAIN.search(folded), ADMIN.search(folded)
    if admin:
        return Wanted(folded, domain=f"{admin[1]}.myshopify.com")
    if own and "@" not in folded:
        return Wanted(folded, domain=own[0])
    return Wanted(folded, host=_host(folded))


def _host(folded: str) -> str | None:
    """The host of an address with its scheme, without `www.`; None when it is none."""
    if not folded.startswith(("http://", "https://")):
        return None
    try:
        host = urlsplit(folded).hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None
