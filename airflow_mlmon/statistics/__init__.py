"""Pure numbers: distances, tests, their laws, corrections and dispersion."""
