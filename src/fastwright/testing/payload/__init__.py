"""Code of an app, not of ours: what documentation examples stand behind."""
