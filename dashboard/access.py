"""Who is signed in, and what may they do.

A right is checked where it is used (acts.py), not only by hiding a button.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from sync_core.config import LOOPBACK_HOSTS, Auth, Settings
from sync_core.errors import Forbidden


class Role(IntEnum):
    """Each role may do what the ones before it may."""

    VIEWER = 1
    SUPPORT = 2
    ADMIN = 3


@dataclass(frozen=True)
class Right:
    """One thing to be allowed, in the words of the refusal."""

    words: str
    least: Role


SYNC = Right("start a sync", Role.SUPPORT)
NOTE = Right("write a note", Role.SUPPORT)
TAKE_OVER = Right("take a run over", Role.SUPPORT)
CHECK = Right("run the safety check", Role.SUPPORT)
ACKNOWLEDGE = Right("take an alert", Role.SUPPORT)
MUTE = Right("mute an alert", Role.ADMIN)
STOP = Right("stop syncing a shop", Role.ADMIN)


@dataclass(frozen=True)
class Viewer:
    """The person in front of the page."""

    name: str
    role: Role

    def may(self, right: Right) -> bool:
        return self.role >= right.least

    def must(self, right: Right) -> None:
        """Return when allowed. Errors: Forbidden in the screen's words."""
        if not self.may(right):
            raise Forbidden(f"A {self.role.name.lower()} may not {right.words}")


LOCAL_ADMIN = Viewer("Local admin", Role.ADMIN)


def signed_in(settings: Settings, headers: Mapping[str, str]) -> Viewer:
    """Who is there: in local mode one admin, on this machine only.

    `headers`: of the browser's connection. Errors: Forbidden for anybody else, saying why.
    """
    if settings.auth is not Auth.LOCAL:
        raise Forbidden("Nobody can sign in: this version knows AUTH=local only")
    if not came_directly(headers):
        raise Forbidden("AUTH=local serves this machine only: open the pages at http://127.0.0.1 without a proxy")
    return LOCAL_ADMIN


def came_directly(headers: Mapping[str, str]) -> bool:
    """Whether the browser is on this machine and nothing passed the request on."""
    named = {name.lower(): value for name, value in headers.items()}
    if any(name == "forwarded" or name.startswith("x-forwarded-") for name in named):
        return False
    host = named.get("host", "localhost")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() in LOOPBACK_HOSTS
