"""Rules of the area scale."""
