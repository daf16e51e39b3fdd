"""products/delete, customers/delete, orders/delete: the row goes at once."""

from __future__ import annotations

from sync_core import removals
from sync_core.inbox.case import Case, number_in
from sync_core.states import Status


def deleted(case: Case) -> str | None:
    """Delete the row that the message names; Shopify's ids never come back, so late or twice does no harm.

    A run under way may have fetched the row before it was deleted and store it after: while one runs the
    message stays open and is worked again.
    """
    shop = case.shop
    if shop is None or not case.installed:
        return "ignored: not installed"
    name = case.row.topic.partition("/")[0]
    found = removals.remove(case.session, shop.shop_id, removals.ROOTS[name], [number_in(case.body(), name)])
    if shop.status == Status.IN_PROGRESS:
        return None
    return "deleted" if found else "not held"
