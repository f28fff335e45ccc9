"""The only package that writes the user's files: project, disposable copy, journal and undo."""
