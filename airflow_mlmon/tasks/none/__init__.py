"""Models without outputs and labels, of which the features alone are monitored."""
