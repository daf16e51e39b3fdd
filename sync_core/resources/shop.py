"""Who a shop is: its name, currency, plan and time zone, and what it granted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from sync_core import finding
from sync_core.app_models import Shop
from sync_core.models import ShopProfile
from sync_core.resources.resource import Scopes
from sync_core.shopify.client import ShopifyClient

NAME = "shop"

DOCUMENT = """
query ShopIdentity {
  shop {
    id name contactEmail currencyCode ianaTimezone
    primaryDomain { host }
    plan { publicDisplayName }
  }
  currentAppInstallation { accessScopes { handle } }
}
"""


@dataclass(frozen=True)
class Identity:
    """A shop as it describes itself, and the scopes that it granted."""

    profile: dict[str, Any]
    currency: str
    scopes: Scopes


def read(client: ShopifyClient) -> Identity:
    """The shop's identity, one request. Errors: every ShopifyError."""
    data = client.execute(DOCUMENT).data
    shop, installation = data["shop"], data["currentAppInstallation"]
    profile = {
        "shopify_gid": shop["id"],
        "name": shop["name"],
        "name_folded": shop["name"].casefold(),
        "primary_domain": (shop["primaryDomain"] or {}).get("host"),
        "contact_email": shop["contactEmail"],
        "plan": (shop["plan"] or {}).get("publicDisplayName"),
        "time_zone": shop["ianaTimezone"],
        "currency": shop["currencyCode"],
    }
    scopes = frozenset(scope["handle"] for scope in installation["accessScopes"])
    return Identity(profile, shop["currencyCode"], scopes)


def store(session: Session, shop_id: str, identity: Identity, *, now: datetime) -> None:
    """Write the profile, what the shop is found by, and the currency that the app shows."""
    session.merge(ShopProfile(shop_id=shop_id, updated_at=now, **identity.profile))
    finding.know(session, shop_id, identity.profile)
    session.execute(update(Shop).where(Shop.id == shop_id).values(currency_code=identity.currency))
