"""The roads on which a resource's rows come from Shopify: each yields pages, complete and in order.

Whoever walks one stores each page before asking for the next; a road knows no tables and writes nothing.
"""

from __future__ import annotations
