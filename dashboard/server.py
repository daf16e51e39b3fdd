"""The dashboard's process: pages and HTTP API on one port, under `streamlit run` or uvicorn."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.api import app as api
from dashboard.api import routes
from dashboard.api.app import lifespan
from dashboard.api.local import guards
from sync_core.config import load_settings

# `streamlit run` finds this line by reading the file: it must be one call of st.App
app = st.App(
    Path(__file__).parent / "app.py",
    routes=routes,
    middleware=guards(load_settings(), open_routes=routes),
    lifespan=lambda _app: lifespan(api),
)
