"""What each kind of answer from Shopify means: the one place that turns answers into exceptions.

Source: Shopify's pages "Response status and error codes" and "GraphQL error codes". Messages are short
sentences of ours; a body's own text is read to classify and never repeated (it may hold personal data).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
import orjson

from sync_core.errors import (
    AccessDenied,
    Held,
    NotFound,
    Refused,
    SecurityRejected,
    ShopifyError,
    Throttled,
    TooCostly,
    Unavailable,
)
from sync_core.states import Hold

NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""An escaped NUL in JSON, not a backslash before the letters u0000."""


class TooSlow(Unavailable):
    """HTTP 504 or a read timeout: Shopify gave up on the query; a smaller page may pass."""


@dataclass(frozen=True)
class Cost:
    """Points of one query, and the shop's bucket after it."""

    requested: float
    actual: float
    available: float
    maximum: float
    restore_rate: float
    """Points a second."""


@dataclass(frozen=True)
class Reply:
    """A good answer; `bytes` is the decoded body's length."""

    data: dict[str, Any]
    errors: list[dict[str, Any]]
    cost: Cost | None
    request_id: str | None
    bytes: int


def read_reply(response: httpx.Response, *, on_cost: Callable[[Cost], None]) -> Reply:
    """The answer to a GraphQL request, or the exception that says what it means.

    `on_cost` is told the cost even when the answer is an error: a THROTTLED answer says how long to wait.
    Errors: every ShopifyError. Data with errors beside it is an error: half a page must not pass as a page.
    """
    if response.status_code != 200:
        raise_for_status(response)
    body = _decoded(response)
    cost = _cost(body)
    if cost:
        on_cost(cost)
    if body.get("errors"):
        raise _graphql_error(body["errors"], cost, _request_id(response))
    if not isinstance(body.get("data"), dict):
        raise Unavailable("Shopify's answer had no data", status=200, request_id=_request_id(response))
    return Reply(body["data"], [], cost, _request_id(response), len(response.content))


def raise_for_status(response: httpx.Response) -> NoReturn:
    """The exception that an HTTP status other than 200 means."""
    status, request_id = response.status_code, _request_id(response)
    said = f"Shopify answered {status}"
    hold = HOLDS.get(status)
    if hold:
        raise Held(hold[0], f"{said}: {hold[1]}", status=status, request_id=request_id)
    if status == 403:
        raise _forbidden(response, request_id)
    kind = KINDS.get(status, Unavailable if status >= 500 else Refused)
    if 300 <= status < 400:
        kind, said = NotFound, f"{said}: the shop has moved to another address"
    raise kind(said, status=status, request_id=request_id, retry_after=_retry_after(response))


HOLDS: dict[int, tuple[Hold, str]] = {
    401: (Hold.REAUTHORISE, "the access token is not valid"),
    402: (Hold.FROZEN, "the shop is frozen"),
    423: (Hold.LOCKED, "the shop is locked"),
}

KINDS: dict[int, type[ShopifyError]] = {
    404: NotFound,
    408: Unavailable,
    409: Unavailable,
    429: Throttled,
    430: SecurityRejected,
    504: TooSlow,
}
"""The other statuses: 5xx is Unavailable, 3xx NotFound, the rest of 4xx Refused."""


def from_transport(error: httpx.RequestError) -> Unavailable:
    """What it means that no whole answer came."""
    if isinstance(error, httpx.ReadTimeout):
        return TooSlow("Shopify did not answer in time")
    if isinstance(error, httpx.TimeoutException):
        return Unavailable("Shopify could not be reached in time")
    if isinstance(error, httpx.ConnectError):
        return Unavailable("Shopify could not be reached")
    return Unavailable("The connection to Shopify broke")


def _forbidden(response: httpx.Response, request_id: str | None) -> ShopifyError:
    # The token's kind and a missing scope share the status; only the text tells them apart.
    if "non-expiring access token" in response.text.lower():
        message = "Shopify refuses this token: it never expires, the shop must be authorised again"
        return Held(Hold.REAUTHORISE, message, status=403, request_id=request_id)
    message = f"Shopify answered 403: {_what_is_missing(response.text)}"
    return AccessDenied(message, status=403, request_id=request_id)


def _graphql_error(errors: Any, cost: Cost | None, request_id: str | None) -> ShopifyError:
    listed = [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
    codes = {_code(item) for item in listed}
    if "SHOP_INACTIVE" in codes:
        return Held(Hold.LOCKED, "Shopify says that the shop is not active", status=200, request_id=request_id)
    for code, (kind, message) in CODES.items():
        if code in codes:
            retry_after = _until_affordable(cost) if kind is Throttled else None
            return kind(message, status=200, request_id=request_id, retry_after=retry_after)
    said = " ".join(str(item.get("message")) for item in listed)
    if "ACCESS_DENIED" in codes or UNAPPROVED.search(said):
        missing = _what_is_missing(said)
        return AccessDenied(missing[0].upper() + missing[1:], status=200, request_id=request_id)
    return Refused("Shopify refused the query", status=200, request_id=request_id)


CODES: dict[str, tuple[type[ShopifyError], str]] = {
    "THROTTLED": (Throttled, "Shopify throttles this shop"),
    "INTERNAL_SERVER_ERROR": (Unavailable, "Shopify had an internal error"),
    "TIMEOUT": (TooSlow, "Shopify did not finish the query in time"),
    "MAX_COST_EXCEEDED": (TooCostly, "The query costs more points than one query may"),
}
"""GraphQL codes, the first that is present wins: what passes by itself comes before what does not, so that a denial
beside it is judged by the next answer. SHOP_INACTIVE is a hold, ACCESS_DENIED a denial; unknown ones are Refused."""


def _code(item: dict[str, Any]) -> str | None:
    extensions = item.get("extensions")
    return str(extensions.get("code")) if isinstance(extensions, dict) else None


UNAPPROVED = re.compile(r"not approved to (?:access|use)", re.IGNORECASE)
SCOPE = re.compile(r"\b(?:read|write)_[a-z_]+\b")


def _what_is_missing(said: str) -> str:
    """Which scope or approval a denial names. Of Shopify's text only a scope's name is repeated."""
    if UNAPPROVED.search(said):
        return "the app is not approved for this protected customer data"
    scope = SCOPE.search(said)
    if scope and "merchant approval" in said.lower():
        return f"the merchant's approval of the scope {scope[0]} is missing"
    return f"the scope {scope[0]} is missing" if scope else "a scope or approval is missing"


def without_nul(content: bytes) -> bytes:
    """JSON without escaped NULs: PostgreSQL's text cannot hold them; no title means them."""
    return NUL.sub(rb"\1", content) if b"\\u0000" in content else content


def _decoded(response: httpx.Response) -> dict[str, Any]:
    content = without_nul(response.content)
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Unavailable("Shopify's answer was not readable", status=200, request_id=_request_id(response))
    return body


def _cost(body: dict[str, Any]) -> Cost | None:
    cost = (body.get("extensions") or {}).get("cost")
    if not cost or not cost.get("throttleStatus"):
        return None
    bucket, requested = cost["throttleStatus"], cost.get("requestedQueryCost") or 0
    return Cost(
        requested=requested,
        actual=cost.get("actualQueryCost") or 0,
        available=bucket["currentlyAvailable"],
        maximum=bucket["maximumAvailable"],
        restore_rate=bucket["restoreRate"],
    )


def _until_affordable(cost: Cost | None) -> float | None:
    if cost is None or cost.restore_rate <= 0:
        return None
    return max(0.0, (cost.requested - cost.available) / cost.restore_rate)


def _retry_after(response: httpx.Response) -> float | None:
    # Shopify sends seconds, sometimes with a fraction ("2.0"); a date has never been seen from it.
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _request_id(response: httpx.Response) -> str | None:
    value: str | None = response.headers.get("X-Request-Id")
    return value
