"""The document describes every route, and answers keep to it."""

from __future__ import annotations

import re

import schemathesis.openapi

from dashboard.api.app import OWN_ROUTES
from dashboard.api.openapi import described
from tests.api.client import TestClient


def test_every_route_is_described_with_its_methods() -> None:
    served = {
        (route.path, method.lower()) for route in OWN_ROUTES for method in route.methods or () if method != "HEAD"
    }

    told = {(path, method) for path, methods in described()["paths"].items() for method in methods}

    assert told == served


def test_every_schema_that_is_named_is_there() -> None:
    text = str(described())

    named = set(re.findall(r"#/components/schemas/(\w+)", text))

    assert named <= set(described()["components"]["schemas"])


def test_every_security_scheme_that_is_named_is_there() -> None:
    operations = [one for methods in described()["paths"].values() for one in methods.values()]

    named = {name for one in operations for choice in one.get("security", []) for name in choice}

    assert named == set(described()["components"]["securitySchemes"])


def test_the_document_is_served(api: TestClient) -> None:
    assert api.get("/api/openapi.json").json() == described()


def test_the_document_is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(described()).validate()
