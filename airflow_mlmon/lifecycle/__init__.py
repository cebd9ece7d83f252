"""Alert lifecycle: the state of an alert from evaluations and actions, and its notifications."""
