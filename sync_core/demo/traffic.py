"""Merchants of the demo: they install through real OAuth, and one browser in ten is closed at once."""

from __future__ import annotations

import random
import threading
import time

import httpx
import structlog

from sync_core.demo.names import domains
from sync_core.sandbox.control import SandboxControl

PAUSE_SECONDS = (18.0, 40.0)
POLL_SECONDS = 2.0
PATIENCE_POLLS = 60

log = structlog.get_logger()


class Traffic:
    """Installs arriving, until told to stop."""

    def __init__(self, app_url: str, control: SandboxControl, rng: random.Random) -> None:
        self._app_url = app_url
        self._control = control
        self._rng = rng
        self._names = iter(domains(600, rng))
        self._number = int(time.time()) % 10_000

    def run(self, stopping: threading.Event) -> None:
        """One merchant after another; a failed visit is told and the next one comes."""
        while not stopping.wait(self._rng.uniform(*PAUSE_SECONDS)):
            try:
                self._visit(stopping)
            except httpx.HTTPError as error:
                if not stopping.is_set():  # at the end the server goes first: no fault
                    log.warning("demo.visit_failed", error=type(error).__name__)

    def _visit(self, stopping: threading.Event) -> None:
        self._number += 1
        domain = next(self._names).replace(".myshopify.com", f"-{self._number}.myshopify.com")
        if self._rng.random() < 0.15:
            self._control.fault(domain, self._rng.choice((503, 502, 429)), times=self._rng.choice((4, 8)), after=3)
        closes = self._rng.random() < 0.1
        with httpx.Client(base_url=self._app_url, timeout=20) as browser:
            if self._install(browser, domain) and not closes:
                self._onboard(browser, stopping)
        if self._rng.random() < 0.03:
            self._control.uninstall(domain)

    def _install(self, browser: httpx.Client, domain: str) -> bool:
        """From /auth over the consent page back to the callback; False when it did not end there."""
        answer = browser.get("/auth", params={"shop": domain})
        if answer.status_code != 302:
            return False
        consent = browser.get(answer.headers["location"] + "&auto=1")
        return consent.is_redirect and browser.get(consent.headers["location"]).is_redirect

    def _onboard(self, browser: httpx.Client, stopping: threading.Event) -> None:
        """What the onboarding page does: ask once, then watch."""
        browser.post("/api/sync", headers={"Origin": self._app_url})
        for _ in range(PATIENCE_POLLS):
            if stopping.wait(POLL_SECONDS):
                return
            status = browser.get("/api/sync/status").json()
            if status.get("syncStatus") in ("COMPLETED", "FAILED"):
                return
