"""Values of the running app that may name a server: settings, constants of modules, engines.

Only names that sound like an address, and values that look like a URL, are told; they go to the
host to say which servers the scratch world needs, and nowhere else.
"""

import gc
import re
import sys

from . import living, naming

_NAME = re.compile(
    r"(HOST|HOSTNAME|SERVER|PORT|ADDRESS|USER|USERNAME|PASSWORD|PASS|DATABASE|DB|DB_?NAME|NAME"
    r"|DIALECT|DRIVER|ENGINE|SCHEME|URL|URI|DSN|TYPE)$"
)
_URL = re.compile(r"^[a-z][a-z0-9+]*://\S+$")


def describe(root):
    """``{name: value}``, names in upper case as an environment variable would have them."""
    found = {}
    census = living.take_census()
    for key in ("settings", "settings1", "settings2"):
        for instance in census.all(key):
            found.update(_chosen(_fields(instance)))
    for module in naming.project_modules(root).values():
        for name, value in _chosen(vars(module)).items():
            found.setdefault(name, value)
    for number, url in enumerate(_engine_urls()):
        found["ENGINE_{}_URL".format(number)] = url
    return found


def _fields(instance):
    values = dict(getattr(instance, "__dict__", {}) or {})
    decorators = getattr(type(instance), "__pydantic_decorators__", None)
    for name in getattr(decorators, "computed_fields", None) or ():
        try:
            values[name] = getattr(instance, name)
        except Exception:
            continue
    return values


def _chosen(values):
    found = {}
    for name, value in list(values.items()):
        text = as_text(value)
        if text is not None and (_URL.match(text) or (_NAME.search(name.upper()) and text)):
            found[name.upper()] = text
    return found


def as_text(value):
    """A text, number, secret or URL object as text; None for everything else.

    The class alone is asked: an attribute of a proxy may be any code, and raise.
    """
    cls = type(value)
    if issubclass(cls, bool):
        return None
    if issubclass(cls, (str, int)):
        return str(value)
    if callable(getattr(cls, "get_secret_value", None)):
        return as_text(value.get_secret_value())
    kind = cls.__name__
    if kind in ("Secret", "DatabaseURL", "URL") or kind.endswith(("Dsn", "Url")):
        return engine_url(value)
    return None


def engine_url(url):
    """A URL as text with its password, where its class hides that otherwise."""
    render = getattr(url, "render_as_string", None)
    return render(hide_password=False) if callable(render) else str(url)


def _engine_urls():
    plain = getattr(sys.modules.get("sqlalchemy.engine"), "Engine", None)
    if plain is None:
        return []
    return sorted({engine_url(e.url) for e in gc.get_objects() if type(e) is plain})
