"""Alembic migrations: one file per version of the schema."""
