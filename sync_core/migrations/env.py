"""What Alembic runs for each command; `sync_core.schema` gives the connection, in its transaction."""

from __future__ import annotations

from alembic import context

context.configure(**context.config.attributes["options"])
context.run_migrations()
