"""Make a slow endpoint fast, and prove that nothing else changed.

Observe → hypothesis → change → measure → keep or drop. Hypotheses are pure functions over the map
and what was observed; the judge alone decides what is kept.
"""
