"""Without their queries, the addresses in a server's access log: those of OAuth carry code, state and HMAC.

`shopsync` starts the server without an access log, but Streamlit switches it on again, and so does
who starts uvicorn by hand.
"""

from __future__ import annotations

import logging

LOGGER = "uvicorn.access"
ADDRESS = 2
"""Place of the address among the arguments of uvicorn's access lines: client, method, address, version, status."""


class WithoutQuery(logging.Filter):
    """Cuts each line's address at the question mark."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) > ADDRESS:
            address = str(record.args[ADDRESS]).split("?", 1)[0]
            record.args = (*record.args[:ADDRESS], address, *record.args[ADDRESS + 1 :])
        return True


def hide_queries() -> None:
    """From now on, in this process; a second call changes nothing."""
    logger = logging.getLogger(LOGGER)
    if not any(isinstance(known, WithoutQuery) for known in logger.filters):
        logger.addFilter(WithoutQuery())
