"""The Streamlit script: page config, sign-in, navigation, the bar on top, the page that was asked for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.views import shell

STATIC = Path(__file__).parent / "static"


def pages() -> dict[str, st.Page]:
    """Every page by its name; registered on each run, so that any address can be opened directly."""
    return {
        "overview": st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        "shops": st.Page("views/shops.py", title="Shops", icon=":material/storefront:", url_path="shops"),
        "shop": st.Page("views/shop.py", title="Shop", url_path="shop", visibility="hidden"),
        "sweeps": st.Page("views/sweeps.py", title="Checks", icon=":material/schedule:", url_path="sweeps"),
        "alerts": st.Page("views/alerts.py", title="Alerts", icon=":material/notifications:", url_path="alerts"),
        "system": st.Page("views/system.py", title="System", icon=":material/memory:", url_path="system"),
    }


def main() -> None:
    st.set_page_config(page_title="Shopsync", page_icon=STATIC / "mark.svg", layout="wide", initial_sidebar_state=216)
    registered = pages()
    page = st.navigation(list(registered.values()))
    st.logo(str(STATIC / "logo.svg"), size="medium", icon_image=str(STATIC / "mark.svg"))
    viewer = shell.enter(registered)
    st.sidebar.caption(f"{viewer.name} · {viewer.role.name.lower()}")
    shell.top_bar()
    page.run()


main()
