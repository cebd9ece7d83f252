"""Pages that a person reads: one per night, an index per model, evidently's beside it."""
