"""The documents name only what is there; the README's settings are the program's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest

from sync_core.cli import app
from sync_core.config import Settings
from tests.guards.rules import ROOT

README = (ROOT / "README.md").read_text()
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/decisions.md")


def shown(default: object) -> str:
    """A default as one writes it in `.env`."""
    if default is None:
        return "none"
    if isinstance(default, tuple):
        return ",".join(f"{item:g}" if isinstance(item, float) else str(item) for item in default)
    return f"{default}"


def rows_of_settings() -> Iterator[tuple[str, str]]:
    """(name, default) of each row of the README's table."""
    for row in re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", README, re.MULTILINE):
        yield row[0], row[1].strip("`")


def test_the_readme_lists_every_setting_with_its_default() -> None:
    expected = {name.upper(): shown(field.default) for name, field in Settings.model_fields.items()}

    assert dict(rows_of_settings()) == expected


def test_the_example_file_names_only_settings() -> None:
    named = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@pytest.mark.parametrize("document", [*DOCUMENTS, "CHANGELOG.md", "Procfile"])
def test_a_document_names_only_commands_that_exist(document: str) -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}

    named = set(re.findall(r"(?:^|`|: )shopsync ([a-z][a-z-]*)", (ROOT / document).read_text(), re.MULTILINE))

    assert named <= commands, named - commands


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_make_targets_that_exist(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = re.findall(r"(?:^|`)make((?: [a-z-]+)+)", (ROOT / document).read_text(), re.MULTILINE)

    assert {word for line in lines for word in line.split()} <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_files_that_exist(document: str) -> None:
    named = re.findall(r"`((?:[\w.]+/)+[\w.]*|[\w.]+\.(?:py|md))`", (ROOT / document).read_text())

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_dependency_has_its_reason_in_the_decisions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    decisions = (ROOT / "docs/decisions.md").read_text()

    missing = [name for name in (re.split(r"[\[<>=]", item)[0] for item in listed) if name not in decisions]

    assert missing == []
