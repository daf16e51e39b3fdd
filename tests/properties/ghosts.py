"""What is true of the world, whatever the database says: merchants, tokens, promises, live runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sync_core.lifecycle import Claim
from sync_core.progress import Leg
from sync_core.states import Status
from tests.properties.looks import Look

PAGES = ("1", "2")


class Broken(AssertionError):
    """A promise of the lifecycle does not hold; the text begins with its name."""


@dataclass(frozen=True)
class Grant:
    """An authorisation whose callback is not stored yet."""

    token: str
    asked_at: datetime
    """The moment before the code was exchanged."""


@dataclass
class Run:
    """A worker's claim, whether it still counts, and how far it is."""

    claim: Claim
    leg: Leg
    token: str | None
    token_version: int
    live: bool = True


@dataclass
class Merchant:
    """One shop as it really is."""

    domain: str
    installed: bool = False
    valid: set[str] = field(default_factory=set)
    """The tokens that Shopify accepts."""
    grant: Grant | None = None
    notices: list[datetime] = field(default_factory=list)
    """When the uninstalls happened whose webhooks are on their way."""
    app_token: str | None = None
    """What the app wrote into its accessToken and we have not taken over."""
    authorised: datetime | None = None
    """The newest authorisation that we know of, by the rules of the lifecycle's page."""
    staff: bool = False
    """A person's request was accepted and not claimed yet."""
    everything: int | None = None
    """The step at which a full read was promised."""
    lease_until: datetime | None = None
    generation: int = 0
    finished_by_app: int | None = None
    """The generation that the app had synced before we knew the shop."""

    def forget_promises(self) -> None:
        """A stop, an uninstall or a re-install cancels what was promised."""
        self.staff, self.everything = False, None

    def app_changes(self, look: Look) -> set[str]:
        """What the app wrote into its row and we have not taken over."""
        if look.id is None:
            return set()
        if not look.known:
            return {"new"}
        later = look.app_installed_at is not None and look.installed_at is not None
        found = {
            "later install": later and look.app_installed_at > look.installed_at,  # type: ignore[operator]
            "uninstalled": look.uninstalled_at is not None and not look.gone,
            "token": self.app_token is not None,
            "pending": look.app_status == Status.PENDING
            and look.status in (Status.COMPLETED, Status.FAILED)
            and look.uninstalled_at is None,
        }
        return {name for name, there in found.items() if there}

    def after_adoption(self, look: Look, now: datetime) -> tuple[bool, datetime | None]:
        """(uninstalled?, authorised when?) once the app's row is taken over."""
        changes = self.app_changes(look)
        assert not changes or look.app_installed_at is not None
        if "new" in changes:
            return look.uninstalled_at is not None, look.app_installed_at
        if "later install" in changes:
            return look.uninstalled_at is not None, look.app_installed_at
        if "uninstalled" in changes:
            return True, self.authorised
        if "token" in changes:
            return False, now
        if "pending" in changes:
            return False, self.authorised
        return look.gone, self.authorised
