"""The code that runs inside the user's interpreter.

Python 3.8 syntax, the standard library only at import, and nothing of the rest of fastwright: the
folder is started as a program (``python …/guest``), where it names itself ``fastwright_guest`` so
that no module of the user's app can be shadowed. It speaks one JSON object a line.
"""
