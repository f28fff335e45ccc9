"""Objections to an app: rules over its map, attacks on it while it runs. All of them are pure."""
