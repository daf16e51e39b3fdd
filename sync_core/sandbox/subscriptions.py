"""Webhook subscriptions that the app made through the Admin API."""

from __future__ import annotations

from typing import Any

from sync_core.sandbox.draws import first_id
from sync_core.sandbox.graphql.pages import Page, child_page
from sync_core.sandbox.moments import Clock, iso
from sync_core.sandbox.rows import gid
from sync_core.sandbox.state import Journal
from sync_core.sandbox.table import Row

TAKEN = "Address for this topic has already been taken"


class Subscriptions:
    """One shop's subscriptions, oldest first."""

    def __init__(self, domain: str, key: int, journal: Journal, clock: Clock) -> None:
        self.domain, self.key, self.journal, self.clock = domain, key, journal, clock

    def rows(self) -> list[Row]:
        return list(self.journal.find("subscription", f"{self.domain} ").values())

    def chosen(self, args: dict[str, Any]) -> Page:
        """webhookSubscriptions(first, after, topics, uri)."""
        rows = [
            row
            for row in self.rows()
            if (not args.get("topics") or row["topic"] in args["topics"]) and args.get("uri") in (None, row["uri"])
        ]
        return child_page(rows, args)

    def create(self, topic: str, given: dict[str, Any]) -> tuple[Row | None, list[Row]]:
        """(row, userErrors)."""
        uri = given.get("uri") or given.get("callbackUrl")
        if not uri:
            return None, [{"field": ["webhookSubscription", "uri"], "message": "Address can't be blank"}]
        rows = self.rows()
        if any(row["topic"] == topic and row["uri"] == uri for row in rows):
            return None, [{"field": ["webhookSubscription", "uri"], "message": TAKEN}]
        number = max([int(row["legacyResourceId"]) for row in rows], default=first_id(self.key)) + 1
        row = self._row(number, topic, uri, given)
        self.journal.put("subscription", f"{self.domain} {number}", row)
        return row, []

    def delete(self, identity: str) -> bool:
        for row in self.rows():
            if row["id"] == identity:
                self.journal.drop("subscription", f"{self.domain} {row['legacyResourceId']}")
                return True
        return False

    def clear(self) -> None:
        """What an uninstall does."""
        for row in self.rows():
            self.delete(row["id"])

    def _row(self, number: int, topic: str, uri: str, given: dict[str, Any]) -> Row:
        now = iso(int(self.clock()))
        return {
            "__typename": "WebhookSubscription",
            "id": gid("WebhookSubscription", number),
            "legacyResourceId": str(number),
            "topic": topic,
            "uri": uri,
            "callbackUrl": uri,
            "format": given.get("format") or "JSON",
            "createdAt": now,
            "updatedAt": now,
            "apiVersion": {"handle": "2026-10", "displayName": "2026-10 (Latest)", "supported": True},
            "filter": given.get("filter"),
            "includeFields": given.get("includeFields") or [],
            "metafieldNamespaces": given.get("metafieldNamespaces") or [],
            "name": given.get("name"),
        }
