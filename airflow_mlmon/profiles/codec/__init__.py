"""The stored bytes of profiles."""
