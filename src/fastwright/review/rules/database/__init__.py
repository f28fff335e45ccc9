"""Rules of the area database."""
