"""What Druid serves of a model, in line with the store."""
