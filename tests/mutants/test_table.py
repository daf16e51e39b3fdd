"""The table of mutations cannot rot: it names every rule, and every old text is in the code, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.table import MUTANTS, RULES, Mutant

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_every_old_text_is_found_once_and_is_changed(mutant: Mutant) -> None:
    found = [(ROOT / file).read_text().count(old) for file, old, _ in mutant.edits]

    assert found == [1] * len(mutant.edits)
    assert all(old != new for _, old, new in mutant.edits)


def test_every_rule_of_the_model_has_a_mutation() -> None:
    rules = {mutant.rule.partition(" (")[0] for mutant in RULES}

    assert len(rules) == 54
