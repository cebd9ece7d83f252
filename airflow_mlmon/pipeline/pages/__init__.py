"""Content of pages, charts and gauges."""
