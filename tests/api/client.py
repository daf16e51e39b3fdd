"""Starlette's test client. Importing it warns of an httpx that is to come; the warning is let go here alone."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["TestClient"]
