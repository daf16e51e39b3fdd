"""For engineers, folded: ids and internals, never a secret."""

from __future__ import annotations

import streamlit as st

from dashboard.theme import plain
from dashboard.views import shell
from sync_core.health import ShopView


def show(view: ShopView) -> None:
    with st.expander("For engineers", type="compact"):
        st.table(facts(view), border="horizontal", hide_header=True, alt="Internals of this shop")


def facts(view: ShopView) -> dict[str, str]:
    """What a ticket to an engineer needs, by name."""
    say, at = shell.say(), view.situation
    table = {"Shop id": f"`{view.shop_id}`", "Authorised": say(view.authorised_at)}
    if view.open is not None:
        table["Attempt"] = f"`{view.open.id}`, no. {view.open.number}"
        by = f" by `{view.lease_owner}`" if view.lease_owner else ""
        table["Worker"] = f"must give a sign of life before {say(at.due_at)}{by}" if at.due_at and by else "none yet"
    if view.token is not None:
        ends = say(view.token.expires_at) if view.token.expires_at else "does not end"
        table["Access"] = f"version {view.token.version}, ends: {ends}; allows {plain(', '.join(view.token.scopes))}"
    else:
        table["Access"] = "none stored"
    if view.last_webhook is not None:
        topic = plain(view.last_webhook.topic)
        table["Last message from Shopify"] = f"{topic}, {say(view.last_webhook.received_at)}"
    requests = [attempt.request_id for attempt in view.attempts if attempt.request_id][:3]
    if requests:
        table["Shopify's request ids"] = ", ".join(f"`{request}`" for request in requests)
    return table
