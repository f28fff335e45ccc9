"""Attacks, one file each in the folder of its area, and what they share.

An attack is handed a live app and what it needs to know of it; it sends harmless payloads, and it
starts, writes and opens nothing by itself.
"""
