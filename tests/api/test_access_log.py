"""What a server's access log may say of an address."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from dashboard.api.access_log import LOGGER, WithoutQuery, hide_queries


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger(LOGGER)
    yield found
    for known in [known for known in found.filters if isinstance(known, WithoutQuery)]:
        found.removeFilter(known)


def test_an_address_is_logged_without_its_query(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    hide_queries()
    line = ("127.0.0.1:1", "GET", "/auth/callback?code=planted&state=planted", "1.1", 302)

    with caplog.at_level(logging.INFO, logger=LOGGER):
        logger.info('%s - "%s %s HTTP/%s" %d', *line)

    assert caplog.messages == ['127.0.0.1:1 - "GET /auth/callback HTTP/1.1" 302']


def test_hiding_twice_filters_once(logger: logging.Logger) -> None:
    hide_queries()

    hide_queries()

    assert len([known for known in logger.filters if isinstance(known, WithoutQuery)]) == 1
