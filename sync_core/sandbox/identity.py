"""Who a shop is: the Shop and AppInstallation objects."""

from __future__ import annotations

from collections.abc import Iterable

from sync_core.sandbox.draws import first_id
from sync_core.sandbox.moments import DAY_SECONDS, iso
from sync_core.sandbox.rows import gid
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.table import Row

COUNTRIES = {
    "AU": "Australia",
    "US": "United States",
    "GB": "United Kingdom",
    "DE": "Germany",
    "CA": "Canada",
    "NZ": "New Zealand",
    "FR": "France",
}
SHOP_AGE_DAYS = 900


def shop_row(shop: Shop) -> Row:
    """The Shop object; its id is the first of the shop's range."""
    settings = shop.settings
    number, host = first_id(settings.key), settings.email.partition("@")[2]
    return {
        "__typename": "Shop",
        "id": gid("Shop", number),
        "name": settings.name,
        "myshopifyDomain": settings.domain,
        "url": f"https://{host}",
        "description": f"{settings.name}, {settings.trade}.",
        "contactEmail": settings.email,
        "email": settings.email,
        "shopOwnerName": "Sam Owner",
        "currencyCode": settings.currency,
        "ianaTimezone": settings.timezone,
        "timezoneAbbreviation": "UTC",
        "timezoneOffset": "+0000",
        "weightUnit": "KILOGRAMS",
        "createdAt": iso(settings.as_of - SHOP_AGE_DAYS * DAY_SECONDS),
        "updatedAt": iso(shop.updated_at()),
        "setupRequired": False,
        "enabledPresentmentCurrencies": [settings.currency],
        "shipsToCountries": sorted(COUNTRIES),
        "taxesIncluded": False,
        "primaryDomain": {"id": gid("Domain", number), "host": host, "url": f"https://{host}", "sslEnabled": True},
        "plan": {
            "displayName": settings.plan,
            "publicDisplayName": settings.plan,
            "shopifyPlus": "Plus" in settings.plan,
            "partnerDevelopment": False,
        },
        "shopAddress": {
            "id": gid("ShopAddress", number),
            "address1": "1 Market Street",
            "city": settings.city,
            "company": settings.name,
            "country": COUNTRIES.get(settings.country),
            "countryCodeV2": settings.country,
            "province": settings.province,
            "provinceCode": settings.province,
            "zip": None,
            "phone": None,
        },
        "resourceLimits": {
            "locationLimit": 200,
            "maxProductOptions": 3,
            "maxProductVariants": 2_048,
            "redirectLimitReached": False,
        },
    }


def installation_row(shop: Shop, scopes: Iterable[str]) -> Row:
    """The app's installation with the scopes the shop granted."""
    name = shop.domain.partition(".")[0]
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", first_id(shop.settings.key)),
        "accessScopes": [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(scopes)],
        "launchUrl": f"https://admin.shopify.com/store/{name}/apps/sandbox",
        "uninstallUrl": None,
    }
