"""The class and the words under which a failure is booked.

The message may be shown to support staff: it is ours for what Shopify answered, and for an
exception of ours only its type and place, because its text may carry a person's data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sync_core.errors import (
    AccessDenied,
    Held,
    NotFound,
    Refused,
    SecurityRejected,
    ShopifyError,
    Stalled,
    Throttled,
    Unavailable,
    places,
)

LONGEST_MESSAGE = 500
SECRETS = re.compile(r"shp(?:at|rt|ca|pa|ss)_\w+|gAAAA[\w-]+=*|[\w.+-]+@[\w-]+\.[\w.]+")


@dataclass(frozen=True)
class Cause:
    """A failure's class and its text, redacted."""

    name: str
    message: str


NAMES: tuple[tuple[type[BaseException], str], ...] = (
    (Throttled, "throttled"),
    (Unavailable, "unavailable"),
    (SecurityRejected, "security"),
    (Refused, "refused"),
    (AccessDenied, "access_denied"),
    (NotFound, "not_found"),
    (Stalled, "stalled"),
)


def cause_of(error: BaseException) -> Cause:
    """The cause of any exception that ended an attempt; what is not known is `internal`."""
    if isinstance(error, Held):
        return Cause(error.hold.value, redact(str(error)))
    for kind, name in NAMES:
        if isinstance(error, kind):
            return Cause(name, redact(str(error)))
    if isinstance(error, ShopifyError):
        return Cause("refused", redact(str(error)))
    return Cause("internal", _place(error))


def redact(text: str) -> str:
    """Without tokens and addresses, and of bounded length."""
    return SECRETS.sub("…", text)[:LONGEST_MESSAGE]


def _place(error: BaseException) -> str:
    return " in ".join([type(error).__name__, *places(error, last=1)])
