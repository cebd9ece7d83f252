"""Curation: from the listed files to accepted and quarantined rows, in batches."""
