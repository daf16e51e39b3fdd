"""The files of bulk operations, read line by line from Shopify's storage: without a token, without redirects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from sync_core.config import Settings
from sync_core.errors import Unavailable
from sync_core.shopify.answers import from_transport
from sync_core.shopify.client import Spent
from sync_core.shopify.domains import file_url
from sync_core.shopify.patience import FIRST_WAIT_SECONDS, TRIES, Patience

BLOCK_BYTES = 1 << 18


@dataclass(frozen=True)
class Lines:
    """Whole lines of a file, without their ends; `end` is the offset in bytes behind them."""

    lines: list[bytes]
    end: int


@dataclass(frozen=True)
class Storage:
    """Where Shopify keeps files, as one run reads them."""

    settings: Settings
    http: httpx.Client
    patience: Patience
    spent: Spent

    def lines(self, url: Callable[[], str], *, start: int, size: int, at_once: int) -> Iterator[Lines]:
        """The lines of a file of `size` bytes from offset `start`, about `at_once` at a time.

        What broke off goes on where it was, after a wait; `url` is asked anew each time, as a link does not live
        for ever. Errors: Unavailable, when it breaks off again and again or ends before `size`; Refused for a
        host that is not Shopify's storage; Released.
        """
        tries = 0
        while start < size:
            try:
                for found in self._from(url(), start, size=size, at_once=at_once):
                    start, tries = found.end, 0
                    yield found
                _whole(start, size)
            except Unavailable:
                tries += 1
                if tries >= TRIES:
                    raise
                self.patience.wait(FIRST_WAIT_SECONDS * 2 ** (tries - 1))

    def _from(self, url: str, start: int, *, size: int, at_once: int) -> Iterator[Lines]:
        lines: list[bytes] = []
        rest = b""
        for block in self._blocks(file_url(url, self.settings), start):
            *whole, rest = (rest + block).split(b"\n")
            lines += whole
            start += sum(map(len, whole)) + len(whole)
            if len(lines) >= at_once:
                yield Lines(lines, start)
                lines = []
        if rest and start + len(rest) == size:
            lines.append(rest)
            start = size
        if lines:
            yield Lines(lines, start)

    def _blocks(self, url: str, start: int) -> Iterator[bytes]:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        self.spent.requests += 1
        try:
            with self.http.stream("GET", url, headers=headers) as response:
                if response.status_code not in (200, 206):
                    raise Unavailable(f"Shopify's storage answered {response.status_code}", status=response.status_code)
                yield from self._counted(response, skip=start if response.status_code == 200 else 0)
        except httpx.RequestError as error:
            raise from_transport(error) from error

    def _counted(self, response: httpx.Response, *, skip: int) -> Iterator[bytes]:
        """The body without what a server sent that does not know ranges."""
        for block in response.iter_bytes(BLOCK_BYTES):
            self.spent.bytes += len(block)
            left, skip = block[skip:], max(0, skip - len(block))
            if left:
                yield left


def _whole(end: int, size: int) -> None:
    if end < size:
        raise Unavailable(f"The file ended after {end:,} of {size:,} bytes")
