"""The words of the code never reach the screen; secrets and e-mail addresses neither."""

from __future__ import annotations

import re

import pytest

from dashboard.theme import CODE_WORDS
from tests.views.conftest import PAGES, Fleet, OpenPage
from tests.views.screen import texts

COUNTED = "The unit is one install"
ALLOWED = ("**Sweep success**", "**Pick-up rate**", "What we hold", "What we hold, by resource")
SHOPS = ("calm-1", "revoked", "locked", "failing", "trying", "running")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", ["alive", "healthy", "burning", "alarmed"])
def test_no_page_shows_a_word_of_the_code(page: str, state: str, open_page: OpenPage, fleet: Fleet) -> None:
    getattr(fleet, state)()

    said = texts(open_page(page))

    assert not [(word, each) for each in said for word in CODE_WORDS if shows(each, word)]


@pytest.mark.parametrize("shop", SHOPS)
def test_no_shop_shows_a_word_of_the_code(shop: str, open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    said = texts(open_page("shop", domain=f"{shop}.myshopify.com"))

    assert not [(word, each) for each in said for word in CODE_WORDS if shows(each, word)]


def test_the_search_for_words_finds_one() -> None:
    assert shows("its lease ended", "lease")
    assert not shows("please", "lease")


def shows(said: str, word: str) -> bool:
    """Whether a text says a word of the code, apart from where it may."""
    if said in ALLOWED or said.startswith(COUNTED):
        return False
    flags = 0 if word.isupper() else re.IGNORECASE
    return re.search(rf"\b{re.escape(word)}\b", said, flags) is not None
