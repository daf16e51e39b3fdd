"""Every figure: frame in, plotly figure out; no streamlit here.

Times in the frames are wall times of the viewer's zone, without zone (plotly draws what it is given).
Colours are theme's placeholders. Accent is data, red is bad, amber is late, grey is undecided.
"""

from __future__ import annotations

from dashboard.charts.base import PLOT_CONFIG

__all__ = ["PLOT_CONFIG"]
