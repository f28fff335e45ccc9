"""The code that `jwt-auth` writes, as a small app of its own with placeholder names.

Every module is real Python: linted, typed and run as it stands. `host` stands for what the user's
app has already. A line that ends in ``# when: <flag>`` is written where the flag is set, without
that comment; a unit is written asynchronously or rendered to synchronous code.
"""
