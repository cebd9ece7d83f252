"""HTML pages: of days, models and columns, of all models, and Evidently's report beside that of a day."""
