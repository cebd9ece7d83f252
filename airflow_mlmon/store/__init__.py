"""Metric store; the only room that imports SQLAlchemy and Alembic."""
