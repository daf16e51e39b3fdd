"""A system Chromium, driven by Playwright; the test skips with the reason where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STOCKHOLM = "Europe/Stockholm"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; skips the test where no Chromium is installed."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def desktop(browser: Browser, *, dark: bool = False) -> Page:
    """A new visitor at a desk."""
    return _visitor(browser, 1440, 900, dark=dark)


def phone(browser: Browser, *, dark: bool = False) -> Page:
    """A new visitor on a phone."""
    return _visitor(browser, 390, 844, dark=dark)


def _visitor(browser: Browser, width: int, height: int, *, dark: bool) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        timezone_id=STOCKHOLM,
        device_scale_factor=1 if width > 500 else 2,
    )
    return context.new_page()
