"""When our access to a shop ends, in words, before it is too late."""

from __future__ import annotations

import streamlit as st

from dashboard.views import shell
from sync_core.explain import Say
from sync_core.health import ShopView
from sync_core.health.shop import TokenFacts
from sync_core.states import Hold

ENDED = (Hold.UNINSTALLED, Hold.REAUTHORISE)
"""The shop's own sentences say that access is gone."""


def show(view: ShopView) -> None:
    """A caption while all is well, a warning when the end is near; nothing where nothing ends."""
    token = view.token
    if token is None or token.dies_at is None or view.situation.hold in ENDED:
        return
    if token.dying(shell.now()):
        st.warning(warning(token, shell.say()), icon=":material/key_off:")
    else:
        st.caption(f"Token dies on {shell.say()(token.dies_at)}; it is renewed by itself long before.")


def warning(token: TokenFacts, say: Say) -> str:
    """What happens, when, and who can do what about it."""
    ends = f"Token dies on {say(token.dies_at)}." if token.dies_at else ""
    if not token.refreshable:
        return f"{ends} It cannot be renewed: the merchant must authorise the app again before then."
    return (
        f"{ends} It should have been renewed long ago, and was not: Sync now tries at once. "
        "After that day only the merchant can give access again."
    )
