"""What to do when no shop was ever installed."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.views import shell
from dashboard.views.links import reconnect_address
from sync_core.errors import BadInput
from sync_core.shopify.domains import shop_domain

EXAMPLE = "name.myshopify.com"


def show() -> None:
    """Three ways forward, no empty charts."""
    st.subheader("Install the first shop", anchor=False)
    with st.grid(3, min_column_width=280, gap="small"):
        with st.container(border=True, height="stretch", gap="xsmall"):
            _install_link()
        with st.container(border=True, height="stretch", gap="xsmall"):
            _say("2 · Or use a custom app's token", "For a single shop of your own, in the terminal.")
            st.code(f"shopsync install {EXAMPLE} \\\n  --token …", language=None, wrap_lines=True)
        with st.container(border=True, height="stretch", gap="xsmall"):
            _readiness()
    st.caption("Objectives and charts: no data until the first install.")


def _install_link() -> None:
    _say("1 · Send the install link", "The merchant opens it and confirms; the first sync starts by itself.")
    text = st.text_input("The shop's domain", placeholder=EXAMPLE, key="first_shop")
    try:
        domain = shop_domain(text) if text else EXAMPLE
    except BadInput:
        st.caption(f":red[Not a shop's domain: expected {EXAMPLE}]")
        return
    st.code(reconnect_address(domain), language=None, wrap_lines=True)


def _readiness() -> None:
    settings, glance = data.desk().settings, data.glance()
    facts = {
        "Shopify credentials set": bool(settings.shopify_api_key and settings.shopify_api_secret),
        "scheduler alive": bool(glance.fleet and glance.fleet.scheduler.alive),
        "database answering": glance.answers,
    }
    ready = [words for words, true in facts.items() if true]
    listed = " · ".join(ready)
    _say("3 · See that all is ready", listed[:1].upper() + listed[1:])
    missing = [words for words, true in facts.items() if not true]
    if missing:
        st.markdown(f":red[Still to do: {', '.join(missing)}.]")
    st.page_link(shell.page("system"), label="Open System", icon=":material/arrow_forward:", icon_position="right")


def _say(title: str, note: str) -> None:
    st.markdown(f"**{title}**  \n:small[:gray[{note}]]")
