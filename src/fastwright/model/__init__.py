"""The nouns: frozen values that every other package speaks in.

Imports the standard library only, reads no file, starts nothing.
"""
