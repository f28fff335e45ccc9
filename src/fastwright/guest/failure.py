"""Why an app does not load, read from the exception object itself: what it misses, and where."""

import linecache
import os
import re
import sys
import traceback

from . import naming, settings

_HERE = os.path.dirname(os.path.abspath(__file__))
_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b[A-Z]{4,}\b")
_READ = re.compile(
    r"(?:getenv|environ(?:\.get|\.__getitem__)?|config|env(?:\.\w+)?)\s*[(\[]\s*"
    r"[frb]?[\"']([A-Za-z_][A-Za-z0-9_]*)[\"']"
)
_ABSENT = re.compile(
    r"not set|missing|required|must be|not found|undefined|not defined|environment"
    r"|no default|declare|provide|configure|none|empty",
    re.IGNORECASE,
)
_NEEDED = re.compile(
    r"\bthe ([\w.-]+) library is required"  # SQLAlchemy of greenlet, a ValueError
    r"|requires [\"']([\w.-]+)[\"'] to be installed"  # FastAPI of python-multipart
    r"|^([\w.-]+) is not installed, run `pip install"  # pydantic of email-validator
)
_LISTING = re.compile(r"\b(iterdir|listdir|scandir|chdir)\b")
_LONGEST = 6000


def explain(error, root):
    """An exception as a document.

    Returns:
        ``{"type", "text", "traceback", "missing_module", "missing_path", "missing_folder",
        "variables"}``; the folder is relative to `root`; a variable is ``{"name", "names",
        "annotation", "problem", "field"}`` with problem ``missing`` or ``invalid``.
    """
    chain = list(_chain(error))
    return {
        "type": naming.dotted(type(error)),
        "text": str(error)[:_LONGEST],
        "traceback": _traceback(error),
        "missing_module": next(filter(None, map(_module, chain)), ""),
        "missing_path": next(filter(None, map(_path, chain)), ""),
        "missing_folder": next(filter(None, (_folder(link, root) for link in chain)), ""),
        "variables": _distinct(found for link in chain for found in _variables(link, root)),
    }


def _chain(error):
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _traceback(error):
    found = traceback.TracebackException.from_exception(error)
    link = found
    while link is not None:
        link.stack[:] = [frame for frame in link.stack if _worth_showing(frame.filename)]
        link = link.__cause__ or link.__context__
    return "".join(found.format())[-_LONGEST:]


def _worth_showing(path):
    return not path.startswith((_HERE, "<frozen importlib")) and "/importlib/" not in path


def _module(error):
    """What could not be imported; some libraries raise an error of their own in its place."""
    if isinstance(error, ModuleNotFoundError):
        return error.name or ""
    found = _NEEDED.search(str(error))
    return next(filter(None, found.groups()), "") if found else ""


def _path(error):
    if isinstance(error, (FileNotFoundError, NotADirectoryError)) and error.filename:
        return str(error.filename)
    found = re.search(r"Directory '([^']+)' does not exist", str(error))
    return found.group(1) if found else ""


def _folder(error, root):
    """The folder of the project that was to be listed or served, or to hold a file."""
    path = _path(error)
    if not path:
        return ""
    path = os.path.abspath(path)
    if not isinstance(error, OSError) or _was_listed(error):
        return naming.relative(path, root) if not os.path.exists(path) else ""
    above = os.path.dirname(path)
    return naming.relative(above, root) if not os.path.exists(above) else ""


def _was_listed(error):
    frames = traceback.extract_tb(error.__traceback__)
    return any(_LISTING.search("{} {}".format(f.name, f.line)) for f in frames[-1:])


def _variables(error, root):
    if hasattr(error, "errors") and type(error).__name__ == "ValidationError":
        return _invalid_fields(error)
    if type(error).__name__ == "SettingsError":
        return _unparsed_field(error)
    if isinstance(error, KeyError) and _raised_by_environ(error):
        return [_missing(str(error.args[0]))]
    return _named_in_text(error) or _read_in_line(error, root)


def _missing(name):
    return {"name": name, "names": [name], "annotation": None, "problem": "missing", "field": name}


def _raised_by_environ(error):
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and os.path.basename(frames[-1].filename) == "os.py"


def _named_in_text(error):
    text = str(error)
    if not _ABSENT.search(text) or isinstance(error, (ImportError, SyntaxError, NameError)):
        return []
    names = [name for name in _NAME.findall(text) if not os.environ.get(name)]
    quoted = re.search(r"Config '([^']+)' is missing", text)
    return [_missing(name) for name in ([quoted.group(1)] if quoted else names[:4])]


def _read_in_line(error, root):
    """Unset variables that the failing line of the project reads: ``int(getenv(…))``."""
    if isinstance(error, (ImportError, SyntaxError, NameError)):
        return []
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if naming.relative(f.filename, root)
    ]
    names = []
    for frame in frames[-1:]:
        text = "".join(linecache.getline(frame.filename, frame.lineno + n) for n in range(3))
        names.extend(_READ.findall(text))
    return [_missing(name) for name in names if not os.environ.get(name)]


def _invalid_fields(error):
    cls = _settings_class(error)
    if cls is None:
        return []
    by_name = {}
    for field in settings.fields(cls):
        for name in (field["name"], *field["names"]):
            by_name[name.lower()] = field
    found = []
    for problem in error.errors():
        place = str((problem.get("loc") or ("",))[0])
        field = by_name.get(place.lower())
        if field is not None:
            kind = "missing" if "missing" in problem.get("type", "") else "invalid"
            found.append(_of_field(field, kind))
    return found


def _of_field(field, problem):
    return {
        "name": field["env"],
        "names": field["names"],
        "annotation": field["annotation"],
        "problem": problem,
        "field": field["name"],
    }


def _unparsed_field(error):
    found = re.search(r'field "(\w+)"', str(error))
    if not found:
        return []
    for cls in _every_settings_class():
        for field in settings.fields(cls):
            if field["name"] == found.group(1):
                return [_of_field(field, "invalid")]
    return []


def _settings_class(error):
    own = getattr(error, "model", None)
    if isinstance(own, type):
        return own if any(c.__name__ == "BaseSettings" for c in own.__mro__) else None
    title = getattr(error, "title", None)
    for cls in _every_settings_class():
        if title in (cls.__name__, (getattr(cls, "model_config", None) or {}).get("title")):
            return cls
    return None


def _every_settings_class():
    stack = []
    for module in ("pydantic_settings", "pydantic", "pydantic.v1"):
        try:
            stack.append(getattr(sys.modules.get(module), "BaseSettings", None))
        except Exception:
            continue
    seen = []
    while stack:
        cls = stack.pop()
        if isinstance(cls, type) and cls not in seen:
            seen.append(cls)
            stack.extend(cls.__subclasses__())
    return seen


def _distinct(variables):
    found = {}
    for variable in variables:
        found.setdefault(variable["name"], variable)
    return list(found.values())
