"""Rules of the area design."""
