"""What Shopify told us, worked: a message never writes rows, it says what to read again or what is gone.

Law: the design page "Performing a sync". Messages come late, twice, out of order, or not at all, so each
one is worked in a way that does no harm then. What is worked here is asked of `lifecycle` or `removals`.
"""

from __future__ import annotations

from sync_core.inbox.standing import Standing, standing
from sync_core.inbox.work import Inbox, Worked

__all__ = ["Inbox", "Standing", "Worked", "standing"]
