"""Rows that a table accepts, made from its columns alone; the same ones whenever asked for.

Row 1 is a hub: about half of all rows that may point to a row of its table point to it. The others
point to different ones, save the last fifth, which have no children. Nullable keys are NULL now and
then, and what one sorts by has ties.
"""

import datetime as dt
import decimal
import re
import sys
import types
import uuid

from . import wordings
from .seed import is_uuid_text, plain_kind

_OFF = re.compile(r"disabled|deleted|blocked|banned|locked|archived|revoked|expired|hidden")
_NAMED = re.compile(r"(^|_)(slug|name|title|username|login|handle|code|key|token|sku|isbn|uuid)$")
_REFERS = re.compile(r"_(u?u?id|ref|reference|number)$")
_FIRST_DAY = dt.datetime(2026, 1, 5, 8, 0)
_COMPARED = re.compile(r"\(*\"?(\w+)\"?\)*(?:::\w+)*\s*(>=|>|<=|<)\s*\(*(-?\d+(?:\.\d+)?)")
_CHOICES = re.compile(r"\"?(\w+)\"?\)*(?:::[\w ]+)*\s+IN\s*\(([^)]*)\)", re.IGNORECASE)
_MOST_TRIES = 12


class Maker:
    """Makes the rows of one table; `parents` gives the rows made so far, by table name.

    Without a `hub` the rows are spread over all parents. A `factory` is the person's own: of a
    table's name and the row's number, from 1, it makes values by column, which go before ours.
    """

    def __init__(self, table, size, parents, hub=True, factory=None):
        self._factory = factory
        self._hub = hub
        self._targets = {}
        self._table = table
        self._size = size
        self._parents = parents
        self._keys = {c.name: next(iter(c.foreign_keys)).column for c in table.columns
                      if c.foreign_keys}  # fmt: skip
        self._places = {name: place for place, name in enumerate(sorted(self._keys))}
        self._unique = unique_sets(table)
        self._alone = {name for names in self._unique for name in names}
        self._taken = [set() for _ in self._unique]
        self._limits, self._choices = _checks(table)
        for name, bounds in _declared(table).items():
            self._limits.setdefault(name, bounds)
        for name, words in wordings.allowed(table).items():
            self._choices.setdefault(name, words)
        self.rows = []

    def make(self):
        """All rows, each a dict by column key; fewer than `size` where combinations run out."""
        for number in range(self._size):
            for turn in range(_MOST_TRIES):
                row = {
                    c.key: self._value(c, number, turn)
                    for c in self._table.columns
                    if not is_generated(c)
                }
                if self._factory is not None:
                    row.update(self._factory(self._table.name, number + 1) or {})
                if self._is_new(row):
                    self.rows.append(row)
                    break
        return self.rows

    def _is_new(self, row):
        keys = [tuple(repr(row.get(name)) for name in names) for names in self._unique]
        if any(key in taken and "None" not in key for key, taken in zip(keys, self._taken)):
            return False
        for key, taken in zip(keys, self._taken):
            taken.add(key)
        return True

    def _value(self, column, number, turn):
        if column.name in self._keys:
            return self._foreign(column, number, turn)
        if column.name in self._choices:
            return self._choices[column.name][number % len(self._choices[column.name])]
        value = plain_value(column, number, alone=column.key in self._alone)
        lowest, highest = self._limits.get(column.name, (None, None))
        if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
            value = type(value)(lowest) + value if lowest is not None and value <= lowest else value
            value = type(value)(highest) if highest is not None and value > highest else value
        return value

    def _foreign(self, column, number, turn):
        """Half of the rows point to the hub; which half, does not follow from the other keys."""
        target = self._keys[column.name]
        if target.table is self._table:
            return self._own_kind(column, target, number)
        if column.name not in self._targets:
            rows = self._parents.get(target.table.fullname, ())
            self._targets[column.name] = [row.get(target.key) for row in rows]
        found = self._targets[column.name]
        if not found or (column.nullable and not column.primary_key and number % 5 == 4):
            return None
        place = self._places[column.name]
        if self._hub and turn == 0 and (number >> place) % 2 == 0:
            return found[0]
        usable = max(1, len(found) - len(found) // 5)
        if not self._hub:  # pairs of keys do not repeat before all have been
            return found[(number + number // usable * place + turn) % usable]
        # Each table begins elsewhere, or what one statement loads would hide what the next asks.
        begin = 1 + place + len(self._parents) * usable // 3
        return found[(begin + number // 2 * (2 * place + 1) + turn * (place + 1)) % usable]

    def _own_kind(self, column, target, number):
        """A tree: roots, children of the hub, and children of others."""
        if column.nullable and (number == 0 or number % 3 == 0):
            return None
        if not self.rows:
            return plain_value(target, 0, alone=True)
        return self.rows[0 if number % 3 == 1 else len(self.rows) // 2].get(target.key)


def is_generated(column):
    """The database alone gives this column its value."""
    identity = getattr(column, "identity", None)
    always = identity is not None and getattr(identity, "always", False)
    return getattr(column, "computed", None) is not None or always


def unique_sets(table):
    """The keys of the columns that are unique together, for each such set."""
    constraints = [c for c in table.constraints if type(c).__name__ == "UniqueConstraint"]
    found = [tuple(c.key for c in key.columns) for key in (table.primary_key, *constraints)]
    indexes = [index.expressions for index in table.indexes if index.unique]
    found += [tuple(getattr(c, "key", str(c)) for c in columns) for columns in indexes]
    found += [(c.key,) for c in table.columns if c.unique]
    return [names for names in dict.fromkeys(found) if names]


def _checks(table):
    """Bounds and choices that simple CHECK constraints name."""
    limits, choices = {}, {}
    for constraint in table.constraints:
        if type(constraint).__name__ != "CheckConstraint":
            continue
        text = str(constraint.sqltext)
        for name, how, number in _COMPARED.findall(text):
            low, high = limits.get(name, (None, None))
            bound = float(number) if "." in number else int(number)
            limits[name] = (bound, high) if how[0] == ">" else (low, bound - (how == "<"))
        for name, listed in _CHOICES.findall(text):
            values = re.findall(r"'([^']*)'", listed)
            if values:
                choices[name] = values
    return limits, choices


def _declared(table):
    """Bounds of the numbers of a SQLModel class: its answers are held to them, its rows are not."""
    found = {}
    registry = getattr(getattr(sys.modules.get("sqlmodel"), "SQLModel", None), "_sa_registry", None)
    for mapper in getattr(registry, "mappers", ()):
        if mapper.local_table is table:
            for name, field in getattr(mapper.class_, "model_fields", {}).items():
                bounds = _bounds(getattr(field, "metadata", ()))
                if bounds != (None, None):
                    found[name] = bounds
    return found


def _bounds(metadata):
    low, high = None, None
    for one in metadata:
        low = getattr(one, "ge", getattr(one, "gt", low))
        high = getattr(one, "le", high)
        below = getattr(one, "lt", None)
        high = below - 1 if isinstance(below, (int, float)) else high
    return low, high


def plain_value(column, number, alone=False):
    """A value for one column of row `number`; `alone` where no two rows may have the same."""
    kind = _inner_type(column.type)
    name = column.name.lower()
    enums = getattr(kind, "enums", None)
    if enums:
        members = getattr(kind, "enum_class", None)
        chosen = list(members) if members else list(enums)
        return chosen[number % len(chosen)]
    python = _python_type(column.type, kind)
    if python in (dict, list):
        return _collection(column, python)
    if is_uuid_text(kind):
        return str(_uuid(column, kind, name, number, alone))
    given = _scalar_default(column)
    if given is not None and not alone and python is not bool:
        return given
    return _MAKERS.get(python, _text)(column, kind, name, number, alone)


def _inner_type(kind):
    for _ in range(4):
        inner = getattr(kind, "impl", None)
        if inner is None or type(kind).__module__.startswith("sqlalchemy.sql.sqltypes"):
            return kind
        kind = inner() if isinstance(inner, type) else inner
    return kind


def _python_type(outer, inner):
    for kind in (outer, inner):
        try:
            python = kind.python_type
        except NotImplementedError:
            continue
        if python is not object:  # as decorators of types say that do not say
            return plain_kind(python)
    return {"JSONB": dict, "JSON": dict, "ARRAY": list, "UUID": uuid.UUID}.get(
        type(inner).__name__, str
    )


def _scalar_default(column):
    value = getattr(column.default, "arg", None) if column.default is not None else None
    if value is None and _python_type(column.type, _inner_type(column.type)) is str:
        value = _quoted(getattr(column.server_default, "arg", None))
    return value if isinstance(value, (str, int, float, decimal.Decimal)) else None


def _quoted(default):
    """The text of a server default that is a plain text: ``user``, or ``'user'`` as SQL."""
    if isinstance(default, str):
        return default
    found = re.fullmatch(r"'([^']*)'", str(getattr(default, "text", "")))
    return found.group(1) if found else None


def _collection(column, python):
    argument = getattr(column.default, "arg", None) if column.default is not None else None
    if isinstance(argument, (dict, list)):
        return argument
    if callable(argument):
        try:
            return argument({})
        except Exception:
            return python()
    return python()


def _truth(column, kind, name, number, alone):
    if number == 0:
        return not _OFF.search(name)
    return bool(_OFF.search(name)) == (number % 4 == 3)


def _whole(column, kind, name, number, alone):
    if alone or column.primary_key:
        return number + 1
    return number * 7 % 19 // 2 + 1


def _moment(column, kind, name, number, alone):
    step = number if alone else number * 7 % 19 // 2
    ahead = dt.timedelta(days=3650) if re.search(r"expire|until|valid", name) else dt.timedelta()
    value = _FIRST_DAY + ahead + dt.timedelta(minutes=17 * step)
    return value.replace(tzinfo=dt.timezone.utc) if getattr(kind, "timezone", False) else value


def _uuid(column, kind, name, number, alone):
    table = sum(ord(letter) * 31**place for place, letter in enumerate(column.table.name))
    return uuid.UUID(int=((table % (1 << 40)) << 80) | (4 << 76) | (8 << 60) | (number + 1))


def _text(column, kind, name, number, alone):
    if "mail" in name:
        text = "user{}@example.com".format(number + 1)
    elif re.search(r"url|link|website|image|avatar", name):
        text = "https://example.com/{}/{}".format(name, number + 1)
    elif re.search(r"password|passwd|hash", name):
        text = "$2b$12$" + "fastwright.stands.for.a.hash.of.nobody.at.all.fw.fwer"
    elif re.search(r"user_?name|login|handle|nick", name):
        text = "{}{}".format(re.sub("[^a-z]", "", name), number + 1)
    elif alone or column.primary_key or _NAMED.search(name):
        text = "{}-{}".format(name, number + 1)
    elif _REFERS.search(name):
        text = "{}-{}".format(name, number // 2 + 1)
    else:
        text = "{} {}".format(name.replace("_", " "), number * 7 % 19 // 2 + 1)
    length = getattr(kind, "length", None)
    if isinstance(length, int) and len(text) > length:
        return text[-length:] if alone else text[:length]
    return text


_MAKERS = types.MappingProxyType(
    {
        bool: _truth,
        int: _whole,
        float: lambda c, k, n, i, alone: i * 37 % 101 / 4 + 1,
        decimal.Decimal: lambda c, k, n, i, alone: decimal.Decimal(i * 37 % 101) / 4 + 1,
        uuid.UUID: _uuid,
        dt.datetime: _moment,
        dt.date: lambda c, k, n, i, alone: (_FIRST_DAY + dt.timedelta(days=i * 7 % 19 // 2)).date(),
        dt.time: lambda c, k, n, i, alone: dt.time(i % 24, i % 60),
        dt.timedelta: lambda c, k, n, i, alone: dt.timedelta(minutes=i % 60),
        bytes: lambda c, k, n, i, alone: b"%d" % (i + 1),
    }
)
