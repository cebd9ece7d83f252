"""Content of the workspace: curated rows, profiles, samples and the reference."""
