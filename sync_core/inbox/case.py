"""One message with all that is needed to work it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.errors import ShopsyncError
from sync_core.models import ShopSync, WebhookInbox
from sync_core.states import Hold
from sync_core.vault import Vault

SET_ASIDE = "set aside: "
"""How the result of a message begins that could not be worked; its body is kept."""


class Unworkable(ShopsyncError):
    """The message does not say what it must; trying again changes nothing. Its text holds nothing of the body."""


@dataclass(frozen=True)
class Case:
    """A message, the shop that it names (locked; None: unknown to us), and this transaction."""

    session: Session
    row: WebhookInbox
    shop: ShopSync | None
    now: datetime
    settings: Settings
    vault: Vault

    @property
    def installed(self) -> bool:
        return self.shop is not None and self.shop.hold != Hold.UNINSTALLED

    def body(self) -> dict[str, Any]:
        """The message as JSON. Errors: Unworkable."""
        try:
            found = orjson.loads(self.row.body)
        except orjson.JSONDecodeError:
            raise Unworkable("the body is not JSON") from None
        if not isinstance(found, dict):
            raise Unworkable("the body is no object")
        return found


def number_in(found: Any, name: str) -> str:
    """Shopify's id in a part of a message, as the app's tables have it. Errors: Unworkable."""
    value = found.get("id") if isinstance(found, dict) else None
    if not str(value).isascii() or not str(value).isdecimal():
        raise Unworkable(f"no id of {name}")
    return str(value)
