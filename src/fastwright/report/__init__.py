"""The only voice: a `Report` as terminal text, Markdown, JSON and one HTML page."""
