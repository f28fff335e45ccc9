"""Rules of the area logic."""
