"""Channels through Apprise: where a message goes, and what may be said about an address, which is a secret."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from tenacity import RetryError, Retrying, retry_if_not_result, stop_after_attempt, wait_exponential_jitter

from sync_core.alerts.snapshot import Severity
from sync_core.config import Settings, channel_urls

TRIES = 3
HOSTS_SHOWN = frozenset({"http", "https", "json", "jsons", "form", "forms", "xml", "xmls", "mailto", "mailtos"})
"""Kinds of address whose host is no secret: in others a token stands at its place."""


@dataclass(frozen=True)
class Channel:
    """One Apprise URL. `name` is all that may be logged or shown of it."""

    url: str

    def __repr__(self) -> str:
        return f"Channel({self.name})"

    @property
    def name(self) -> str:
        return shown(self.url)

    @property
    def digest(self) -> str:
        """Tells channels apart in a table without keeping the address."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Letter:
    """What is sent: a title, a text, and how bad it is (Apprise's words: failure, warning, success)."""

    title: str
    text: str
    kind: str


Send = Callable[[Channel, Letter], str | None]
"""Sends one letter; None when it was taken, else what went wrong, without the address."""


def channels(settings: Settings, severity: Severity) -> tuple[Channel, ...]:
    """Where this severity goes: a page without channels of its own goes where tickets go."""
    pages, tickets = channel_urls(settings.alert_urls_page), channel_urls(settings.alert_urls_ticket)
    return tuple(Channel(url) for url in (pages or tickets if severity is Severity.PAGE else tickets))


def shown(url: str) -> str:
    """`jsons://hooks.example.com`, or the scheme alone where the host could be a token."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.hostname or ''}" if scheme in HOSTS_SHOWN else f"{scheme}://…"


def send_by_apprise(channel: Channel, letter: Letter) -> str | None:
    """Send one letter, tried a few times within seconds. Never raises for what a channel does."""
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        retry=retry_if_not_result(lambda refused: refused is None),
        wait=wait_exponential_jitter(multiplier=0.3, max=3),
    )
    try:
        return retrying(_send_once, channel, letter)
    except RetryError as error:
        refused: str | None = error.last_attempt.result()
        return refused


def _send_once(channel: Channel, letter: Letter) -> str | None:
    from apprise import Apprise, NotifyType  # a tenth of a second, and only who sends needs it

    with _Overheard() as heard:
        to = Apprise.instantiate(channel.url, suppress_exceptions=True)
        if to is None:
            return f"{channel.name}: Apprise does not know such an address"
        try:
            took = to.notify(body=letter.text, title=letter.title, notify_type=NotifyType(letter.kind))
        except Exception as error:  # noqa: BLE001 - the edge of a foreign library: over a hundred kinds of channel
            return f"{channel.name}: {type(error).__name__}"
    return None if took else f"{channel.name}: {heard.reason}"


class _Overheard(logging.Handler):
    """Apprise tells reasons only by its log, which may hold addresses: only the status is taken out of it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reason = "no answer"
        self._log = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"error=(\d{3})\b", record.getMessage())
        self.reason = f"answered HTTP {found[1]}" if found else self.reason

    def __enter__(self) -> _Overheard:
        self._before, self._log.propagate = self._log.propagate, False
        self._log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self)
        self._log.propagate = self._before
