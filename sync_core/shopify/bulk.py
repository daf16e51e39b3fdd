"""Bulk operations on the wire: submit, find, look, cancel. Source: Shopify's guide "Perform bulk operations"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sync_core.errors import AccessDenied, BulkBusy, Refused
from sync_core.shopify.client import ShopifyClient

FIELDS = "id status errorCode objectCount rootObjectCount fileSize url partialDataUrl"

RUN = f"""
mutation BulkRun($query: String!) {{
  bulkOperationRunQuery(query: $query, groupObjects: false) {{
    bulkOperation {{ {FIELDS} }}
    userErrors {{ code message }}
  }}
}}
"""

STATUS = f"query BulkStatus($id: ID!) {{ bulkOperation(id: $id) {{ {FIELDS} }} }}"

NEWEST = f"""
query BulkList {{
  bulkOperations(first: 25, reverse: true, sortKey: CREATED_AT, query: "operation_type:QUERY") {{
    nodes {{ query {FIELDS} }}
  }}
}}
"""

CANCEL = "mutation BulkCancel($id: ID!) { bulkOperationCancel(id: $id) { userErrors { message } } }"

UNFINISHED = frozenset({"CREATED", "RUNNING", "CANCELING"})
BUSY = frozenset({"LIMIT_REACHED", "OPERATION_IN_PROGRESS"})
DENIAL = re.compile(r"access denied|not (?:allowed|approved|permitted)|permission", re.IGNORECASE)


@dataclass(frozen=True)
class Operation:
    """One bulk operation as Shopify shows it. `objects` are the lines of its file, `size` its bytes when it is over."""

    id: str
    status: str
    error: str | None
    objects: int
    roots: int
    size: int | None
    url: str | None
    partial_url: str | None

    @property
    def over(self) -> bool:
        return self.status not in UNFINISHED

    @property
    def completed(self) -> bool:
        return self.status == "COMPLETED"


def submit(client: ShopifyClient, query: str) -> Operation:
    """Start one.

    Errors: AccessDenied: the app may not run bulk queries; BulkBusy; Refused: the query is wrong. After any
    other Unavailable it may have been started: `find` tells.
    """
    answer = client.execute(RUN, {"query": query}, once=True).data["bulkOperationRunQuery"] or {}
    if answer.get("bulkOperation"):
        return _operation(answer["bulkOperation"])
    errors = answer.get("userErrors") or []
    codes = {error.get("code") for error in errors}
    if codes & BUSY:
        raise BulkBusy("As many bulk operations run as may at once", status=200)
    if any(DENIAL.search(str(error.get("message"))) for error in errors):
        raise AccessDenied("The app may not run bulk queries", status=200)
    raise Refused("Shopify refused the bulk query", status=200)


def find(client: ShopifyClient, query: str) -> Operation | None:
    """The newest operation with exactly this text, of the last 25. Errors: every ShopifyError."""
    nodes = client.execute(NEWEST).data["bulkOperations"]["nodes"]
    return next((_operation(node) for node in nodes if node["query"] == query), None)


def look(client: ShopifyClient, identity: str) -> Operation | None:
    """How it stands; None when Shopify does not know it (any more). Errors: every ShopifyError."""
    node = client.execute(STATUS, {"id": identity}).data["bulkOperation"]
    return _operation(node) if node else None


def cancel(client: ShopifyClient, identity: str) -> None:
    """Ask Shopify to end it. Errors: every ShopifyError."""
    client.execute(CANCEL, {"id": identity})


def _operation(node: dict[str, Any]) -> Operation:
    return Operation(
        id=node["id"],
        status=node["status"],
        error=node["errorCode"],
        objects=int(node["objectCount"]),
        roots=int(node["rootObjectCount"]),
        size=int(node["fileSize"]) if node["fileSize"] is not None else None,
        url=node["url"],
        partial_url=node["partialDataUrl"],
    )
