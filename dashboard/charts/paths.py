"""From p50 to p95 for each way in which installs were started."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import plotly.graph_objects as go

from dashboard.charts.base import DASHED, TARGET_MINUTES, figure_of, named_rows
from dashboard.theme import ACCENT, MUTED, SECOND, TRACK


@dataclass(frozen=True)
class PathTimes:
    """Minutes of one path of `n` installs; `each`: all of them, or p50 and p95 where there are more."""

    name: str
    n: int
    each: tuple[float, ...]


def by_path(paths: list[PathTimes]) -> go.Figure:
    """One row a path, in this order."""
    figure = figure_of(margin={"l": 0, "r": 4, "t": 4, "b": 0})
    ends = [_path_row(figure, path) for path in paths]
    figure.add_vline(x=TARGET_MINUTES, line=DASHED)
    longest = max([*ends, 8.0])
    every = next(step for step in (5, 10, 30, 60, 240, 1440) if longest / step <= 4)
    marks = [every * nth for nth in range(floor(longest / every) + 1)]
    words = [str(mark) if mark == 0 else f"{mark} min" for mark in marks]
    figure.update_xaxes(range=[0, longest * 1.45], tickvals=marks, ticktext=words, tickformatstops=None)
    return named_rows(figure, max(4, len(ends)))


def _path_row(figure: go.Figure, path: PathTimes) -> float:
    name = f"{path.name} · {path.n:,}"
    if path.n == len(path.each):
        label = " · ".join(f"{each:.1f}" for each in path.each)
        _path_dots(figure, name, list(path.each), ACCENT, "%{x:.1f} min")
    else:
        half, most = path.each
        label = f"{half:.1f} to {most:.1f}"
        line = {"color": TRACK, "width": 5}
        figure.add_scatter(x=[half, most], y=[name] * 2, mode="lines", line=line, hoverinfo="skip")
        _path_dots(figure, name, [half], ACCENT, "half within %{x:.1f} min")
        _path_dots(figure, name, [most], SECOND, "95 % within %{x:.1f} min")
    text = {"showarrow": False, "font": {"size": 12, "color": MUTED}}
    figure.add_annotation(xref="paper", x=1, y=name, xanchor="right", text=label, **text)
    return max(path.each)


def _path_dots(figure: go.Figure, name: str, minutes: list[float], colour: str, words: str) -> None:
    marker = {"color": colour, "size": 9}
    at = [name] * len(minutes)
    figure.add_scatter(x=minutes, y=at, mode="markers", marker=marker, hovertemplate=words + "<extra></extra>")
