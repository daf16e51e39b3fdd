"""What stands under the fold of Overview: a sentence that already says it, and the chart that shows it.

Pure: health's frames and figures in, cards out. The sentence is the chart's alternative text, too.
"""

from __future__ import annotations

from dashboard.cards.card import Card, drawn, too_slow

__all__ = ["Card", "drawn", "too_slow"]
