"""Past days: evaluated again, profiled again, replayed, and as rows to train on."""
