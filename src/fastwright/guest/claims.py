"""What a verified token says of the first user, under whatever name it is asked for."""

_NESTED = frozenset(("user", "account", "member", "customer", "identity", "claims", "data"))
_FAR_AHEAD = 4102444800  # the first second of 2100


class Claims(dict):
    """The columns of one row, also as ``user_<column>``, as ``sub``, and below ``user``.

    It stands in for the result of a scheme or a function of the project's own, of which nothing
    is known but that it is asked for by name. What the row does not have is None.
    """

    def __init__(self, row, key):
        super().__init__(row)
        self._key = key

    def __missing__(self, name):
        word = str(name).lower()
        if word in _NESTED:
            return self
        if word == "sub":
            return str(self[self._key])
        if word in ("exp", "expires"):
            return _FAR_AHEAD
        tail = word.rpartition("_")[2]
        return dict.get(self, self._key if tail in ("id", "uid", "uuid") else tail)

    def get(self, name, default=None):
        """As ``[]``, which knows a name for everything."""
        found = self[name]
        return default if found is None else found

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]


def resembles(kind, columns):
    """True for a dataclass or pydantic model that tells of a row: most fields are its columns."""
    names = _fields(kind)
    return len(names) >= 2 and 2 * len(names & set(columns)) > len(names)


def likeness(kind, row):
    """An object of `kind` whose fields are the columns of `row`, made without its checks."""
    given = {name: row.get(name) for name in _fields(kind)}
    if hasattr(kind, "model_construct"):
        return kind.model_construct(**given)
    made = object.__new__(kind)
    for name, value in given.items():
        object.__setattr__(made, name, value)
    return made


def _fields(kind):
    found = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", None)
    return set(found) if isinstance(kind, type) and isinstance(found, dict) else set()
