"""HTML pages: one per day, an index per model, and Evidently's report beside it."""
