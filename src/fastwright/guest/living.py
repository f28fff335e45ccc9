"""Objects of the running app that nobody handed over: found among those that Python tracks."""

import gc
import sys


class Living:
    """All living instances of some classes, collected in one pass.

    The check looks at ``type(object)`` alone: lazy proxies answer ``isinstance`` by importing.
    """

    def __init__(self, classes):
        self._classes = dict(classes)
        self._found = {name: [] for name in self._classes}
        names_of = {}
        for thing in gc.get_objects():
            kind = type(thing)
            if kind not in names_of:
                names_of[kind] = self._names(kind)
            for name in names_of[kind]:
                self._found[name].append(thing)

    def _names(self, kind):
        mro = getattr(kind, "__mro__", ())
        return [name for name, cls in self._classes.items() if cls in mro]

    def all(self, name):
        """The living instances of the class called `name`; none where it was not asked for."""
        return self._found.get(name, [])


def known_class(module, name):
    """A class of an already imported module, else None: looking must not import."""
    return getattr(sys.modules.get(module), name, None)


def take_census():
    """Routers, metadata, mapper registries and settings that are alive now."""
    wanted = {
        "router": ("fastapi.routing", "APIRouter"),
        "metadata": ("sqlalchemy", "MetaData"),
        "registry": ("sqlalchemy.orm", "registry"),
        "settings": ("pydantic_settings", "BaseSettings"),
        "settings1": ("pydantic", "BaseSettings"),
        "settings2": ("pydantic.v1", "BaseSettings"),
    }
    classes = {}
    for key, (module, name) in wanted.items():
        try:
            cls = known_class(module, name)
        except Exception:
            cls = None
        if isinstance(cls, type):
            classes[key] = cls
    return Living(classes)


def app_metadata(census):
    """Living metadata with tables, without SQLAlchemy's own of the system catalogues."""
    internal = set()
    for name, module in list(sys.modules.items()):
        if name.startswith("sqlalchemy.dialects."):
            internal.update(id(value) for value in list(vars(module).values()))
    return [m for m in census.all("metadata") if m.tables and id(m) not in internal]
