"""Benchmarks of the capture library: what it costs a service, and what is lost when something ends or is away."""
