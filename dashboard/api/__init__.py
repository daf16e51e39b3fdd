"""HTTP for programs and merchants: OAuth, onboarding, sync, cron, webhooks, probes. Imports no streamlit.

`app` is the API alone (`uvicorn dashboard.api:app`); `routes` let the dashboard's process serve the
same application beside its pages. Importing opens nothing.
"""

from __future__ import annotations

from dashboard.api.app import create_app, doors_to

app = create_app()
routes = doors_to(app)

__all__ = ["app", "create_app", "routes"]
