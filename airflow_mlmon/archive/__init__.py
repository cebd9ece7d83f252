"""Archive of a model: from the files of one day to one curated partition, and the labels that come for it."""
