"""Curation of the archive: from the files of one day to one curated partition."""
