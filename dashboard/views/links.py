"""Ways to a shop, and the link that a merchant must open."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from dashboard import data
from dashboard.theme import plain
from sync_core.explain import Action


def to_shop(name: str, domain: str) -> str:
    """A link in a text; it opens a new tab, so a list stays while a shop is looked at."""
    return f"[{plain(name)}](/shop?domain={quote(domain)})"


def reconnect_address(domain: str) -> str:
    """Where a merchant confirms our access (again)."""
    return f"{data.desk().settings.app_url}/auth?shop={quote(domain)}"


def to_merchant(name: str, address: str, action: Action) -> str:
    """A text for the merchant, to be sent with the link."""
    if action is Action.INSTALL_LINK:
        return f"To connect {name} again, please open {address} and confirm. Copying starts by itself."
    return f"{name} is no longer connected. Please open {address} and confirm; your data stays as it is until then."


def for_the_merchant(name: str, domain: str, action: Action, *, key: str, primary: bool = False) -> None:
    """The button that stands where Sync now cannot help: link and text, each ready to copy."""
    label = "Copy install link" if action is Action.INSTALL_LINK else "Copy reconnect link"
    with st.popover(label, width="stretch", key=key, type="primary" if primary else "secondary"):
        address = reconnect_address(domain)
        st.caption("Link for the merchant")
        st.code(address, language=None, wrap_lines=True)
        st.caption("Text for the merchant")
        st.code(to_merchant(name, address, action), language=None, wrap_lines=True)
