"""Codes, access tokens and refresh tokens of the app on each shop."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.moments import DAY_SECONDS, Clock
from sync_core.sandbox.state import Journal

CODE_SECONDS = 600
GRACE_SECONDS = 30 * DAY_SECONDS
REPEAT_SECONDS = 7 * DAY_SECONDS
"""How long the exchange of a lasting token is answered again, with the same pair."""


class TokenRefused(Exception):
    """The token endpoint says no; `status`, `error` and `description` are its answer."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


@dataclass(frozen=True)
class Access:
    """What an access token opens."""

    scopes: frozenset[str]
    expiring: bool


class Tokens:
    """Kept in the journal: code, access, refresh, exchange and install documents.

    A refresh token that was replaced stays usable until its successor is first used, at most 30 days after its own
    first use; an access token lives until it expires, the shop uninstalls, or the app is installed again.
    """

    def __init__(self, config: SandboxConfig, journal: Journal, clock: Clock) -> None:
        self.config, self.journal, self.clock = config, journal, clock

    def installed(self, domain: str) -> dict[str, Any] | None:
        """{"scopes", "installed_at"} while the app is installed there."""
        found: dict[str, Any] | None = self.journal.get("install", domain)
        return found

    def issue_code(self, domain: str, scopes: list[str]) -> str:
        code = secrets.token_hex(16)
        until = self.clock() + CODE_SECONDS
        self.journal.put("code", code, {"domain": domain, "scopes": scopes, "until": until})
        return code

    def redeem(self, domain: str, code: str, *, expiring: bool) -> dict[str, Any]:
        """The answer of a code exchange; the app is installed from now on. Raises TokenRefused."""
        found = self.journal.get("code", code)
        self.journal.drop("code", code)
        if found is None or found["domain"] != domain or found["until"] < self.clock():
            raise TokenRefused(400, "invalid_request", "The authorization code was not found or was already used")
        return self.install(domain, found["scopes"], expiring=expiring)

    def install(self, domain: str, scopes: list[str], *, expiring: bool = True) -> dict[str, Any]:
        """Installs (again): former tokens of the shop die, new ones are answered."""
        self.revoke(domain)
        self.journal.put("install", domain, {"scopes": scopes, "installed_at": self.clock()})
        return self._pair(domain, scopes, None) if expiring else self._lasting(domain, scopes)

    def refresh(self, domain: str, token: str) -> dict[str, Any]:
        """A new pair for a refresh token. Raises TokenRefused."""
        if self.installed(domain) is None:
            raise TokenRefused(401, "invalid_client", "The app is not installed on this shop")
        found, now = self.journal.get("refresh", token), self.clock()
        if found is None or found["domain"] != domain:
            raise TokenRefused(401, "invalid_request", "This request requires an active refresh_token")
        if found["until"] < now or (found["used_at"] or now) + GRACE_SECONDS < now:
            raise TokenRefused(400, "invalid_grant", "The refresh token has expired")
        self._forget(found["parent"], token)
        self.journal.put("refresh", token, {**found, "parent": None, "used_at": found["used_at"] or now})
        return self._pair(domain, found["scopes"], token)

    def exchange(self, domain: str, token: str) -> dict[str, Any]:
        """The pair in place of a token that never expires, which opens nothing from now on. Raises TokenRefused."""
        done = self.journal.get("exchange", token)
        if done is not None and done["domain"] == domain and self.clock() < done["until"]:
            repeated: dict[str, Any] = done["pair"]
            return repeated
        found = self.journal.get("access", token)
        if found is None or found["domain"] != domain or found["until"] is not None:
            raise TokenRefused(400, "invalid_subject_token", "The subject token is not an active offline token")
        self.journal.drop("access", token)
        pair = self._pair(domain, self.journal.get("install", domain)["scopes"], None)
        self.journal.put("exchange", token, {"domain": domain, "until": self.clock() + REPEAT_SECONDS, "pair": pair})
        return pair

    def _forget(self, parent: str | None, token: str) -> None:
        """Using a token ends the one it replaced, and a successor whose answer was lost."""
        if parent:
            self.journal.drop("refresh", parent)
        for key, other in self.journal.find("refresh").items():
            if other["parent"] == token:
                self.journal.drop("refresh", key)

    def access(self, domain: str, token: str) -> Access | None:
        """What the token opens on this shop; None when it is unknown, expired or revoked."""
        found = self.journal.get("access", token)
        if found is None or found["domain"] != domain:
            return None
        if found["until"] is not None and found["until"] <= self.clock():
            return None
        scopes = self.journal.get("install", domain)["scopes"]
        return Access(frozenset(scopes), expiring=found["until"] is not None)

    def revoke(self, domain: str, *, refresh: bool = True) -> None:
        """Ends every access token of the shop, and the refresh tokens too."""
        for kind in ("access", "refresh", "exchange") if refresh else ("access",):
            for key, body in self.journal.find(kind).items():
                if body["domain"] == domain:
                    self.journal.drop(kind, key)

    def uninstall(self, domain: str) -> None:
        self.revoke(domain)
        self.journal.drop("install", domain)

    def rescope(self, domain: str, scopes: list[str]) -> None:
        """What the merchant grants from now on, for tokens that exist as well."""
        found = self.installed(domain)
        if found is not None:
            self.journal.put("install", domain, {**found, "scopes": scopes})

    def _pair(self, domain: str, scopes: list[str], parent: str | None) -> dict[str, Any]:
        access, refresh, now = f"shpat_{secrets.token_hex(16)}", f"shprt_{secrets.token_hex(16)}", self.clock()
        until = now + self.config.token_seconds
        self.journal.put("access", access, {"domain": domain, "until": until})
        body = {
            "domain": domain,
            "scopes": scopes,
            "until": now + self.config.refresh_seconds,
            "parent": parent,
            "used_at": None,
        }
        self.journal.put("refresh", refresh, body)
        return {
            "access_token": access,
            "scope": ",".join(scopes),
            "expires_in": self.config.token_seconds,
            "refresh_token": refresh,
            "refresh_token_expires_in": self.config.refresh_seconds,
        }

    def _lasting(self, domain: str, scopes: list[str]) -> dict[str, Any]:
        access = f"shpat_{secrets.token_hex(16)}"
        self.journal.put("access", access, {"domain": domain, "until": None})
        return {"access_token": access, "scope": ",".join(scopes)}
