"""Rules of the area quality."""
