"""What the workspace keeps: curated rows, profiles, samples and the reference."""
