"""Figures of few installs: each is a dot, for a rate of so few would draw noise."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.base import TARGET_MINUTES, figure_of, fit, in_margin, minute_axis
from dashboard.theme import ACCENT, BAD, MUTED, SECOND, WARN


@dataclass(frozen=True)
class DotWords:
    """What a good, a bad and a not yet judged dot mean when pointed at."""

    good: str
    bad: str
    young: str = "not judged yet"


def time_to_sync(done: pd.DataFrame) -> go.Figure:
    """Columns: at, minutes (finished ones only), shop. Amber: longer than the target."""
    figure = figure_of(margin={"l": 0, "r": 82, "t": 8, "b": 0})
    minute_axis(figure, least=float(done["minutes"].min()), most=float(done["minutes"].max()))
    fit(figure, done["at"], least=pd.Timedelta(hours=1))
    slow = done["minutes"] > TARGET_MINUTES
    for part, colour in ((done[~slow], ACCENT), (done[slow], WARN)):
        figure.add_scatter(
            x=part["at"],
            y=part["minutes"],
            mode="markers",
            customdata=part["shop"],
            marker={"color": colour, "size": 7, "opacity": 0.6, "line_width": 0},
            hovertemplate="%{customdata}: %{y:.1f} min<extra>%{x|%-d %b %H:%M}</extra>",
        )
    for share, name, colour in ((0.5, "p50", ACCENT), (0.95, "p95", SECOND)):
        if share == 0.5 or len(done) >= 20:
            minutes = float(done["minutes"].quantile(share))
            figure.add_hline(y=minutes, line={"color": colour, "width": 1.25})
            in_margin(figure, minutes, f"{name} {minutes:.1f} min", log=True)
    return figure


def by_day(installs: pd.DataFrame, words: DotWords) -> go.Figure:
    """Columns: at, shop, kind (good, bad, young). Stacked on their day, the bad ones named."""
    figure = figure_of()
    fit(figure, installs["at"].dt.normalize(), least=pd.Timedelta(hours=14))
    frame = installs.assign(day=installs["at"].dt.normalize(), bad=installs["kind"] == "bad")
    frame = frame.sort_values(["day", "bad"])
    frame["nth"] = frame.groupby("day").cumcount() + 1
    top = max(3, int(frame["nth"].max()))
    markers = {
        "good": ({"color": ACCENT, "size": 7, "opacity": 0.75}, words.good),
        "bad": ({"color": BAD, "size": 9}, words.bad),
        "young": ({"color": MUTED, "size": 7, "symbol": "circle-open"}, words.young),
    }
    for kind, (marker, meaning) in markers.items():
        part = frame[frame["kind"] == kind]
        hover = "%{customdata}: " + meaning + "<extra>%{x|%-d %b}</extra>"
        at = {"x": part["day"], "y": part["nth"], "customdata": part["shop"]}
        figure.add_scatter(mode="markers", marker=marker, hovertemplate=hover, **at)
    _name_the_bad(figure, frame[frame["bad"]], top)
    ticks = sorted({1, top // 2, top} if top > 4 else {1, top})
    return figure.update_yaxes(range=[0.2, top + 2.4], tickvals=ticks)


def _name_the_bad(figure: go.Figure, bad: pd.DataFrame, top: int) -> None:
    """Names above the day; days with several, and more than five names, say only how many."""
    for day, part in bad.groupby("day"):
        line = {"color": BAD, "width": 1, "dash": "1px,2px"}
        reach = [int(part["nth"].max()), top + 0.9]
        figure.add_scatter(x=[day] * 2, y=reach, mode="lines", line=line, hoverinfo="skip")
        named = len(part) == 1 and bad["day"].nunique() <= 5
        text = str(part["shop"].iloc[0]) if named else str(len(part))
        font = {"size": 11, "color": BAD}
        figure.add_annotation(x=day, y=top + 0.9, text=text, showarrow=False, yanchor="bottom", font=font)
