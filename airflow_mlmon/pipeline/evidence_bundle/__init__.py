"""Evidence bundles: one archive of what was monitored, found and done on a range of days, and its verification."""
