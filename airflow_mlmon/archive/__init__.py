"""From the files of one day in the archive to one curated partition."""
