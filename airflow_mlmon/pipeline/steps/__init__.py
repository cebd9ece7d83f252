"""Steps of the nightly run, from the archive to the alerts."""
