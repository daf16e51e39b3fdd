"""For engineers, folded: ids and internals, never a secret."""

from __future__ import annotations

import streamlit as st

from dashboard.theme import plain
from dashboard.views import shell
from sync_core.explain import Say
from sync_core.health import ShopView
from sync_core.health.shop import Subscriptions, TokenFacts
from sync_core.states import Hold


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
    table["Access"] = _access(view.token, say) if view.token else "none stored"
    if view.subscriptions is not None and at.hold is not Hold.UNINSTALLED:
        table["Messages from Shopify"] = _messages(view.subscriptions, say)
    if view.last_webhook is not None:
        topic = plain(view.last_webhook.topic)
        table["Last message from Shopify"] = f"{topic}, {say(view.last_webhook.received_at)}"
    requests = [attempt.request_id for attempt in view.attempts if attempt.request_id][:3]
    if requests:
        table["Shopify's request ids"] = ", ".join(f"`{request}`" for request in requests)
    return table


def _access(token: TokenFacts, say: Say) -> str:
    ends = say(token.expires_at) if token.expires_at else "not told" if token.refreshable else "never"
    dies = f", token dies on {say(token.dies_at)}" if token.refreshable and token.dies_at else ""
    return f"version {token.version}, ends: {ends}{dies}; allows {plain(', '.join(token.scopes))}"


def _messages(found: Subscriptions, say: Say) -> str:
    """Which kinds of message come to us, as of the last look."""
    come = f"{len(found.topics)} kinds come to {plain(found.address)}"
    missing = f"; missing: {plain(', '.join(found.missing))} ({plain(found.problem or '')})" if found.missing else ""
    return f"{come}{missing}; looked at {say(found.checked_at)}"
