"""Charts: frames in, figures out; what is drawn can be asserted."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd
import pytest

from dashboard.charts import bars, dots, lines
from dashboard.charts.dots import DotWords
from dashboard.charts.paths import PathTimes, by_path
from dashboard.theme import ACCENT, BAD, MUTED, WARN

WORDS = DotWords(good="synced", bad="not synced")
START = pd.Timestamp("2026-10-01 08:00")


def installs(n: int, *, minutes: float = 1.5) -> pd.DataFrame:
    at = [START + pd.Timedelta(hours=3 * nth) for nth in range(n)]
    shops = [f"Shop {nth}" for nth in range(n)]
    return pd.DataFrame({"at": at, "shop": shops, "minutes": minutes, "kind": "good", "path": "Browser"})


def modes(figure: Any) -> list[str]:
    return [trace.mode for trace in figure.data]


def steps(length: int, **columns: Any) -> pd.DataFrame:
    at = [START + pd.Timedelta(days=nth) for nth in range(length)]
    return pd.DataFrame({"at": at, "k": 99, "n": 100, "finished": 100, "p50": 1.5, "p95": 4.0} | columns)


def test_few_installs_are_dots_and_many_are_lines() -> None:
    few = [dots.by_day(installs(9), WORDS), dots.time_to_sync(installs(9))]
    many = [lines.rate(steps(9), target=0.99), lines.time_to_sync(steps(9))]

    assert {mode for figure in few for mode in modes(figure)} == {"markers"}
    assert {mode for figure in many for mode in modes(figure)} == {"lines"}


@pytest.mark.parametrize(("hours", "value"), [(24, "%H:%M"), (25, "%-d %b")])
def test_a_day_is_told_by_the_hour(hours: int, value: str) -> None:
    frame = steps(2).assign(at=[START, START + pd.Timedelta(hours=hours)])

    ticks = lines.rate(frame, target=0.99).layout.xaxis.tickformatstops

    assert [tick.value for tick in ticks] == [value]


def test_a_rate_tells_its_numbers_where_it_is_pointed_at() -> None:
    figure = lines.rate(steps(2, k=[99, 231], n=[100, 231]), target=0.99)

    line = figure.data[0]
    assert list(line.y) == [99.0, 100.0]
    assert line.customdata.tolist() == [[99, 100], [231, 231]]
    assert "%{customdata[0]:,} of %{customdata[1]:,}" in line.hovertemplate


def test_a_shop_that_took_longer_than_the_target_is_amber_and_the_others_accent() -> None:
    frame = installs(3).assign(minutes=[4.9, 5.0, 5.1])

    figure = dots.time_to_sync(frame)

    drawn = {trace.marker.color: list(trace.y) for trace in figure.data}
    assert drawn == {ACCENT: [4.9, 5.0], WARN: [5.1]}


def test_what_is_not_judged_yet_is_grey_and_never_amber() -> None:
    frame = installs(3).assign(kind=["good", "bad", "young"])

    figure = dots.by_day(frame, WORDS)

    colours = [trace.marker.color for trace in figure.data if trace.mode == "markers"]
    assert colours == [ACCENT, BAD, MUTED]


def test_a_bad_one_is_named_above_its_day() -> None:
    frame = installs(9).assign(kind=["good"] * 8 + ["bad"])

    figure = dots.by_day(frame, WORDS)

    assert [note.text for note in figure.layout.annotations] == ["Shop 8"]


def test_many_bad_days_are_counted_instead_of_named() -> None:
    frame = installs(60).assign(kind="bad")

    figure = dots.by_day(frame, WORDS)

    assert all(note.text.isdigit() for note in figure.layout.annotations)


def test_failures_stack_what_healed_and_what_is_open() -> None:
    causes = pd.DataFrame({"cause": ["Shopify too slow or down"], "healed": [5], "open": [2]})

    figure = bars.failures(causes)

    assert [(bar.marker.color, list(bar.x)) for bar in figure.data] == [(ACCENT, [5]), (BAD, [2])]
    assert figure.layout.annotations[0].text == "7, 2 open"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (PathTimes("Browser", 4, (1.0, 2.0, 3.0, 4.0)), "1.0 · 2.0 · 3.0 · 4.0"),
        (PathTimes("Browser", 5, (3.0, 4.8)), "3.0 to 4.8"),
        (PathTimes("Browser", 2, (3.0, 4.8)), "3.0 · 4.8"),
    ],
)
def test_of_few_installs_of_a_path_each_is_shown(path: PathTimes, words: str) -> None:
    figure = by_path([path])

    assert words in [note.text for note in figure.layout.annotations]


def test_the_checks_stand_in_two_lines_oldest_first() -> None:
    at = pd.date_range(START, periods=288, freq="5min")
    marks = pd.DataFrame({"at": at, "state": ["ran"] * 287 + ["missed"], "words": "ran"})

    figure = bars.checks(marks)

    first, second = figure.data
    assert (len(first.x), len(second.x)) == (144, 144)
    assert first.base[0] > second.base[0]
    assert second.marker.color[-1] == BAD


def test_one_single_check_is_drawn() -> None:
    marks = pd.DataFrame({"at": [START], "state": ["found"], "words": ["ran"]})

    figure = bars.checks(marks)

    assert [list(trace.x) for trace in figure.data] == [[0]]


@pytest.mark.parametrize(("left", "colour"), [([1, 0], ACCENT), ([0, -1], BAD)])
def test_a_budget_turns_red_only_when_it_is_overspent(left: list[int], colour: str) -> None:
    end = START + pd.Timedelta(days=90)
    steps_left = pd.DataFrame({"at": [START, START + pd.Timedelta(days=9)], "shop": ["", "Old Mill"], "left": left})

    figure = bars.budget(steps_left, start=START, end=end)

    assert figure.data[0].line.color == colour
    assert list(figure.data[0].y) == [*left, left[-1]]


def test_every_colour_of_a_chart_is_a_placeholder_so_light_and_dark_both_fit() -> None:
    end = START + pd.Timedelta(days=90)
    causes = pd.DataFrame({"cause": ["Our own error"], "healed": [5], "open": [2]})
    steps_left = pd.DataFrame({"at": [START], "shop": [""], "left": [4]})
    frame = installs(30).assign(kind=["good"] * 28 + ["bad", "young"])
    figures = [bars.failures(causes), bars.budget(steps_left, start=START, end=end)]
    figures += [by_path([PathTimes("Browser", 9, (1.0, 2.0))]), dots.time_to_sync(frame), dots.by_day(frame, WORDS)]
    figures += [lines.time_to_sync(steps(9)), lines.rate(steps(9), target=0.99)]

    drawn = [_without_template(figure) for figure in figures]

    colours = {colour for spec in drawn for colour in re.findall(r"#[0-9a-fA-F]{6}", spec)}
    assert colours <= {f"#00000{number}" for number in range(1, 9)}


def _without_template(figure: Any) -> str:
    """The figure's own words: plotly's template has colours that Streamlit's theme replaces."""
    spec = json.loads(figure.to_json())
    spec["layout"].pop("template", None)
    return json.dumps(spec)
