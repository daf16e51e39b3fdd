"""Figures of many installs: a point for each hour or day, with the number behind it."""

from __future__ import annotations

from math import floor

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.base import DASHED, figure_of, fit, in_margin, minute_axis
from dashboard.theme import ACCENT, SECOND

HOVER = "%{x|%-d %b %H:%M}"
HOUR_TICKS = [{"dtickrange": [None, None], "value": "%H:%M"}]


def time_to_sync(steps: pd.DataFrame) -> go.Figure:
    """Columns: at, finished (how many), p50, p95 (minutes); one row a step with any."""
    figure = figure_of(margin={"l": 0, "r": 82, "t": 8, "b": 0})
    minute_axis(figure, least=float(steps["p50"].min()), most=float(steps["p95"].max()))
    _time_axis(figure, steps["at"])
    for name, colour, width, side in (("p95", SECOND, 1.5, "bottom"), ("p50", ACCENT, 1.75, "top")):
        figure.add_scatter(
            x=steps["at"],
            y=steps[name],
            customdata=steps["finished"],
            mode="lines",
            line={"color": colour, "width": width},
            name=name,
            hovertemplate=name + " %{y:.1f} min of %{customdata:,}<extra>" + HOVER + "</extra>",
        )
        last = float(steps[name].iloc[-1])
        in_margin(figure, last, f"{name} {last:.1f} min", log=True, yanchor=side)
    return figure


def rate(steps: pd.DataFrame, *, target: float) -> go.Figure:
    """Columns: at, k (good), n; one row a step with any. `target`: a share, drawn beside the rate."""
    figure = figure_of(margin={"l": 0, "r": 44, "t": 8, "b": 0})
    _time_axis(figure, steps["at"])
    percent = 100 * steps["k"] / steps["n"]
    figure.add_scatter(
        x=steps["at"],
        y=percent,
        customdata=steps[["k", "n"]],
        mode="lines",
        line={"color": ACCENT, "width": 1.75},
        hovertemplate="%{customdata[0]:,} of %{customdata[1]:,}, %{y:.1f} %<extra>" + HOVER + "</extra>",
    )
    figure.add_hline(y=100 * target, line=DASHED)
    in_margin(figure, 100 * target, f"{100 * target:.0f} %")
    low = min(96.0, floor(float(percent.min())) - 1.0)
    middle = round((low + 100) / 2)
    ticks = {"tickvals": [low, middle, 100], "ticktext": [f"{low:.0f} %", f"{middle} %", "100 %"]}
    return figure.update_yaxes(range=[low - 0.2, 100.4], **ticks)


def _time_axis(figure: go.Figure, at: pd.Series[pd.Timestamp]) -> None:
    """Days, or hours when it is about a day."""
    fit(figure, at, least=pd.Timedelta(hours=1))
    if at.max() - at.min() <= pd.Timedelta(days=1):
        figure.update_xaxes(tickformatstops=HOUR_TICKS)
