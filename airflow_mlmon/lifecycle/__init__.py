"""The life of an alert over the nights: what it is by what was seen and done, and what people are told."""
