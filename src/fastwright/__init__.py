"""A FastAPI backend engineer: reads an app, changes it, and proves the change by running it."""

__version__ = "0.1.0"
