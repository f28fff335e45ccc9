"""Code that an attack has the app's own process run: it travels as text.

Each module stands for itself: Python 3.8 syntax, imports of its own, and the function to call last.
What a probe changes in the process, its ``stop`` puts back.
"""
