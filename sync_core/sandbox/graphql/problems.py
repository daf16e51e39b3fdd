"""Errors in the words Shopify uses for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes"
PROTECTED_PAGE = "https://shopify.dev/docs/apps/launch/protected-customer-data"
UNDEFINED = "Cannot query field"


class Refusal(Exception):
    """The document cannot be run; `errors` is the answer's list."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


def problem(message: str, code: str, path: Sequence[str | int] | None = None, **more: Any) -> dict[str, Any]:
    """One entry of `errors`."""
    found: dict[str, Any] = {"message": message, "extensions": {"code": code, **more}}
    if path is not None:
        found["path"] = list(path)
    return found


def access_denied(field: str, scope: str, path: Sequence[str | int]) -> dict[str, Any]:
    required = f"`{scope}` access scope."
    message = f"Access denied for {field} field. Required access: {required}"
    return problem(message, "ACCESS_DENIED", path, documentation=SCOPES_PAGE, requiredAccess=required)


def not_approved(what: str, path: Sequence[str | int]) -> dict[str, Any]:
    message = f"This app is not approved to {what}. See {PROTECTED_PAGE} for more details."
    return problem(message, "ACCESS_DENIED", path, documentation=PROTECTED_PAGE)


def from_validation(error: GraphQLError) -> dict[str, Any]:
    """A graphql-core validation error as Shopify words it."""
    message, extensions = _reworded(error)
    found: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        found["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return found


def _reworded(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    quoted = error.message.split("'")
    if error.message.startswith(UNDEFINED) and len(quoted) >= 4:
        field, parent = quoted[1], quoted[3]
        message = f"Field '{field}' doesn't exist on type '{parent}'"
        return message, {"code": "undefinedField", "typeName": parent, "fieldName": field}
    if error.message.startswith("Unknown argument") and len(quoted) >= 4:
        parent, _, field = quoted[3].partition(".")
        message = f"Field '{field}' doesn't accept argument '{quoted[1]}'"
        return message, {"code": "argumentNotAccepted", "name": field, "typeName": parent, "argumentName": quoted[1]}
    return error.message, {"code": "invalidDocument"}
