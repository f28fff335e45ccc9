"""Rules of the area performance."""
