"""What pages, pictures and gauges show."""
