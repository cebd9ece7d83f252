"""The metric store, and the only door to SQLAlchemy and Alembic."""
