"""Attacks on identity, access and input."""
