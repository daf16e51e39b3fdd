"""The look: one place for colours, nothing from another host, nothing that markdown would act on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from dashboard import theme
from dashboard.theme import plain, status_words
from sync_core.health import Mark
from sync_core.states import Hold, Status

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
PLACEHOLDERS = (
    theme.ACCENT,
    theme.GOOD,
    theme.BAD,
    theme.WARN,
    theme.MUTED,
    theme.SECOND,
    theme.SOFT,
    theme.TRACK,
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_a_colour_for_each_placeholder(scheme: str) -> None:
    colours = CONFIG["theme"][scheme]["chartCategoricalColors"]

    assert len(colours) == len(PLACEHOLDERS) == len(set(PLACEHOLDERS))


def test_every_font_is_served_by_ourselves_with_its_licence() -> None:
    for face in CONFIG["theme"]["fontFaces"]:
        name = face["url"].removeprefix("app/static/")
        assert (ROOT / "dashboard" / "static" / name).is_file()
        assert (ROOT / "dashboard" / "static" / f"{name.removesuffix('-latin.woff2')}-LICENSE.txt").is_file()


def test_nothing_in_the_look_comes_from_another_host() -> None:
    config = (ROOT / ".streamlit" / "config.toml").read_text()
    pictures = [path.read_text() for path in (ROOT / "dashboard" / "static").glob("*.svg")]

    assert "//" not in config
    assert not any(re.search(r"(href|src|url)\s*[=(]", picture) for picture in pictures)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["textColor", "grayTextColor", "redTextColor", "linkColor", "violetTextColor"])
def test_every_text_colour_can_be_read(scheme: str, name: str) -> None:
    colours = CONFIG["theme"][scheme]

    assert contrast(colours[name], colours["backgroundColor"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_can_be_told_from_the_page(scheme: str) -> None:
    colours = CONFIG["theme"][scheme]
    accent, bad = colours["chartCategoricalColors"][0], colours["chartCategoricalColors"][2]

    assert min(contrast(each, colours["backgroundColor"]) for each in (accent, bad)) >= 3


@pytest.mark.parametrize(
    ("outside", "shown"),
    [
        ("Harbor & Co", "Harbor & Co"),
        ("A *bold* _shop_", r"A \*bold\* \_shop\_"),
        ("[click](http://evil)", "\\[click\\](http:\u2060//evil)"),
        ("<b>loud</b>", r"\<b\>loud\</b\>"),
        ("costs $5 and $6", r"costs \$5 and \$6"),
        (":tada: www.evil.com", ":\u2060tada: www.\u2060evil.com"),
        ("1. first", "\u20601. first"),
        ("- dash", "\u2060- dash"),
        ("two\nlines", "two lines"),
        ("since 14:25", "since 14:25"),
        ("62 %", "62\u00a0%"),
    ],
)
def test_text_from_outside_is_shown_as_it_is(outside: str, shown: str) -> None:
    assert plain(outside) == shown


@pytest.mark.parametrize(
    ("status", "hold", "synced", "words"),
    [
        (Status.COMPLETED, None, True, "Up to date"),
        (Status.PENDING, None, False, "Waiting to be started"),
        (Status.FAILED, None, False, "Failed, tries again"),
        (Status.FAILED, None, True, "Refresh failed, tries again"),
        (Status.FAILED, Hold.REAUTHORISE, False, "Blocked: access revoked"),
        (Status.COMPLETED, Hold.UNINSTALLED, True, "Uninstalled"),
        (Status.FAILED, Hold.STOPPED, True, "Stopped by staff"),
    ],
)
def test_a_status_has_its_words(status: Status, hold: Hold | None, synced: bool, words: str) -> None:
    assert status_words(status, hold, synced=synced) == words


def test_each_kind_of_entry_in_a_timeline_has_its_picture() -> None:
    assert set(theme.MARK_ICONS) == set(Mark)


def contrast(one: str, other: str) -> float:
    """The WCAG contrast of two colours #RRGGBB: 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
