"""Performance: how good the predictions were, once their labels have come."""
