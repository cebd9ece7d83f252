"""One operator a step of the nightly run."""
