"""Past days: evaluate and profile them again, replay them, and return their rows for training."""
