"""Synchronisation of Druid with the store."""
