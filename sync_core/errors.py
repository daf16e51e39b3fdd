"""The exceptions of this project; the cause of a failure is a type.

ShopsyncError
├── BadSetting            a setting is wrong: name, value, expected form
├── SchemaMismatch        the database is not the one this version knows
├── TooSlow               a question took longer than its asker waits
├── BadInput              a caller's input is wrong (HTTP 400)
├── Forbidden             the lifecycle does not allow this act (HTTP 409)
├── StaleClaim            this run's claim is over: stop, write nothing
├── Released              this process is stopping: give the claim back
├── Stalled               no progress for STALL_SECONDS
└── ShopifyError          what Shopify answered, by what it means
    ├── Unavailable       try again later: network, timeout, 5xx, half a body
    │   ├── Throttled     asked too often: try again after `retry_after`
    │   └── BulkFailed    a bulk operation ended without all its data
    ├── BulkBusy          as many bulk operations run as may at once
    ├── SecurityRejected  HTTP 430: wait, and tell an engineer
    ├── Refused           a document or request of ours is wrong
    │   └── TooCostly     the query costs more than one query may: ask for less
    ├── AccessDenied      one resource may not be read (scope or approval missing)
    ├── NotFound          HTTP 404: closed or renamed, perhaps back later
    └── Held              only an outside event clears it: `hold` says which
        └── UnknownApp    our own credentials were refused for a shop: uninstalled, or a wrong secret
"""

from __future__ import annotations

import traceback
from pathlib import Path

from sync_core.states import Hold


def places(error: BaseException, *, last: int = 5) -> list[str]:
    """Where it came from, "file:line", innermost last; its text and its frames' values may hold personal data."""
    return [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)[-last:]]


class ShopsyncError(Exception):
    """Root of every exception that this project raises on purpose."""


class BadSetting(ShopsyncError):
    """A setting is wrong; the message names variable, value and expected form."""


class SchemaMismatch(ShopsyncError):
    """The database's schema is not the one this version knows; the message says the mend."""


class TooSlow(ShopsyncError):
    """The database took longer than whoever asked waits; the same question may pass later."""


class BadInput(ShopsyncError):
    """A caller's input is wrong; `field` names it."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnknownShop(ShopsyncError):
    """No shop has this id or domain."""


class Forbidden(ShopsyncError):
    """The lifecycle does not allow this act on this shop as it stands."""


class StaleClaim(ShopsyncError):
    """This run's claim is over (taken over, released, uninstalled): it must stop and write nothing."""


class Released(ShopsyncError):
    """This process is stopping; the run ends between two pages and its claim is given back."""


class Stalled(ShopsyncError):
    """A run made no progress for STALL_SECONDS."""


class ShopifyError(ShopsyncError):
    """What Shopify answered. `request_id` is Shopify's X-Request-Id, `status` the HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        """Seconds that the server asked to wait, or None."""


class Unavailable(ShopifyError):
    """Nobody answered, or not well: network, timeout, 5xx, half a body, bad JSON."""


class Throttled(Unavailable):
    """Asked too often: HTTP 429, or THROTTLED in a 200."""


class BulkBusy(ShopifyError):
    """LIMIT_REACHED: as many bulk operations of this app run on this shop as may at once."""


class BulkFailed(Unavailable):
    """A bulk operation ended, or stands still, without all its data; the message says how.

    `denied`: what it asked for may not be read; the same query fails again.
    """

    def __init__(self, message: str, *, denied: bool = False) -> None:
        super().__init__(message)
        self.reason = message
        self.denied = denied


class SecurityRejected(ShopifyError):
    """HTTP 430: Shopify took us for an attack."""


class Refused(ShopifyError):
    """A document or request of ours is wrong (HTTP 400, a GraphQL error that names us)."""


class TooCostly(Refused):
    """MAX_COST_EXCEEDED: the same document with a smaller page may pass."""


class AccessDenied(ShopifyError):
    """One resource may not be read: its scope or the protected-data approval is missing."""


class NotFound(ShopifyError):
    """HTTP 404: the shop is closed or renamed, or back later."""


class Held(ShopifyError):
    """Only an outside event clears this: `hold` says which (reauthorise, frozen, locked, scope)."""

    def __init__(
        self,
        hold: Hold,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.hold = hold


class UnknownApp(Held):
    """Shopify refused our own credentials here: the app is uninstalled, or SHOPIFY_API_SECRET is wrong."""
