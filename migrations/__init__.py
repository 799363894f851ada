"""The stored layers' history, as Alembic revisions; run by `wangge migrate`."""
