"""Retention: what is stored of old days is deleted, but for what later days rest on."""
