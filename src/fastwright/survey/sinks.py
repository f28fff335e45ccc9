"""Where a value of a request can do harm: calls by their dotted name, or by the method alone."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple

from fastwright.survey.facts import CallFact, Term
from fastwright.survey.names import Symbol
from fastwright.survey.wiring import last_name, receiver_of


class Sink(NamedTuple):
    """What a call does with some of its arguments.

    `kind` is the harm (``sql``, ``shell``, ``code``, ``template``, ``unpickle``, ``path``,
    ``url``, ``redirect``, ``html``, ``pattern``, ``log``, ``column``, ``attribute``, ``fields``,
    ``read``, ``answer``); `name` the dotted callee; `terms` the arguments that do it.
    """

    kind: str
    name: str
    terms: tuple[Term, ...]


def _each(kind: str, places: str, names: str) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    for name in names.split():
        yield name, (kind, tuple(places.split()))


_BY_NAME = MappingProxyType(dict((
    *_each("sql", "0 text", "sqlalchemy.text sqlalchemy.sql.text sqlalchemy.sql.expression.text "
           "sqlmodel.text sqlalchemy.literal_column sqlalchemy.sql.literal_column sqlalchemy.DDL "
           "sqlalchemy.sql.expression.literal_column sqlalchemy.schema.DDL pandas.read_sql "
           "pandas.read_sql_query sqlmodel.literal_column sqlalchemy.sql.elements.TextClause"),
    *_each("shell", "0 cmd command", "os.system os.popen subprocess.getoutput "
           "subprocess.getstatusoutput asyncio.create_subprocess_shell"),
    *_each("process", "0 args", "subprocess.run subprocess.call subprocess.Popen "
           "subprocess.check_output subprocess.check_call"),
    *_each("code", "0 source", "builtins.eval builtins.exec builtins.compile builtins.__import__ "
           "importlib.import_module"),
    *_each("template", "0 source", "jinja2.Template jinja2.environment.Template "
           "mako.template.Template jinja2.Environment.from_string "
           "jinja2.environment.Environment.from_string"),
    *_each("unpickle", "0", "pickle.loads pickle.load cPickle.loads dill.loads dill.load "
           "cloudpickle.loads joblib.load marshal.loads yaml.unsafe_load yaml.unsafe_load_all "
           "jsonpickle.decode pandas.read_pickle pickle.Unpickler shelve.open"),
    *_each("yaml", "0 stream", "yaml.load yaml.load_all"),
    *_each("path", "0 file path src filename name", "builtins.open io.open aiofiles.open os.open "
           "os.remove os.unlink os.listdir os.scandir os.makedirs os.mkdir os.rmdir os.walk "
           "os.removedirs shutil.rmtree shutil.unpack_archive anyio.open_file zipfile.ZipFile "
           "tarfile.open codecs.open gzip.open"),
    *_each("path", "0 path", "fastapi.responses.FileResponse starlette.responses.FileResponse"),
    *_each("path", "0 1 src dst", "os.rename os.replace os.symlink os.link shutil.copy "
           "shutil.copy2 shutil.copyfile shutil.copytree shutil.move"),
    *_each("url", "0 url", "urllib.request.urlopen urllib.request.urlretrieve "
           "websockets.connect aiohttp.request"),
    *_each("url", "0 request", "httpx.Client.send httpx.AsyncClient.send requests.Session.send"),
    *_each("url", "1 url", "httpx.request httpx.stream requests.request httpx.Client.request "
           "httpx.AsyncClient.request httpx.Client.stream httpx.AsyncClient.stream "
           "requests.Session.request requests.sessions.Session.request "
           "aiohttp.ClientSession.request"),
    *((f"{owner}.{verb}", ("url", ("0", "url")))
      for owner in ("httpx", "httpx.Client", "httpx.AsyncClient", "requests", "requests.Session",
                    "requests.session", "aiohttp.ClientSession", "requests.sessions.Session")
      for verb in ("get", "post", "put", "patch", "delete", "head", "options")),
    *_each("redirect", "0 url", "fastapi.responses.RedirectResponse "
           "starlette.responses.RedirectResponse"),
    *_each("html", "0 content", "fastapi.responses.HTMLResponse starlette.responses.HTMLResponse "
           "markupsafe.Markup"),
    *_each("pattern", "0 pattern", "re.compile re.match re.search re.fullmatch re.sub re.subn "
           "re.findall re.finditer re.split regex.compile regex.match regex.search "
           "regex.fullmatch regex.sub regex.findall"),
    *_each("attribute", "1 2", "builtins.setattr"),
    *_each("column", "1", "builtins.getattr operator.attrgetter"),
    *_each("log", "0 1 2 3", "builtins.print"),
    *_each("answer", "0 content", "fastapi.responses.JSONResponse starlette.responses.JSONResponse "
           "fastapi.responses.ORJSONResponse fastapi.responses.PlainTextResponse "
           "starlette.responses.PlainTextResponse fastapi.responses.UJSONResponse "
           "fastapi.Response fastapi.responses.Response starlette.responses.Response"),
    *_each("answer", "1 detail", "fastapi.HTTPException fastapi.exceptions.HTTPException "
           "starlette.exceptions.HTTPException"),
)))  # fmt: skip

_STATEMENTS = frozenset({"execute", "executemany", "executescript", "exec_driver_sql", "fetch",
                         "fetchrow", "fetchval", "fetch_all", "fetch_one", "fetch_val",
                         "execute_query", "execute_query_dict", "execute_script",
                         "fetchone", "fetchall", "iterate"})  # fmt: skip
_DRIVERS = ("sqlalchemy", "sqlmodel", "asyncpg", "sqlite3", "aiosqlite", "psycopg", "psycopg2",
            "databases", "pymysql", "aiomysql", "MySQLdb", "mysql", "tortoise")  # fmt: skip
_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
_PATHS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "unlink", "iterdir",
                    "rmdir", "touch", "mkdir", "open", "rename", "rglob", "glob"})  # fmt: skip
_CALLS = frozenset({"from_string", "from_statement", "exec_command"})
_ENGINES = ("jinja", "mako", "chameleon", "template", "engine")

PATH_MADE = "pathlib"
"""Marks a value that became a `pathlib.Path` on its way."""


def is_sink(dotted: str) -> bool:
    """Whether a foreign function is a sink: what it gives is not what was given to it."""
    return dotted in _BY_NAME


def sink_of(callee: Symbol | None, row: CallFact) -> Sink | None:
    """What a call of `callee` does with its arguments, where that can do harm."""
    dotted = callee.dotted() if callee is not None and callee.kind == "external" else ""
    known = _BY_NAME.get(dotted)
    if known is not None:
        return _given(known[0], dotted, known[1], row)
    if callee is not None and not dotted:
        return None
    return _by_method(dotted, row)


def _given(kind: str, name: str, places: tuple[str, ...], row: CallFact) -> Sink | None:
    numbers = [int(place) for place in places if place.isdigit()]
    terms = [row.arguments[n] for n in numbers if n < len(row.arguments)]
    terms += [term for key, term in row.keywords if key in places]
    if not terms:
        return None
    if kind == "process":
        return _process(name, row, terms[0])
    if kind == "answer" and _is_page(row):
        return Sink("html", name, tuple(terms))
    if kind == "yaml":
        return Sink("unpickle", name, (terms[0],))
    return Sink(kind, name, tuple(terms))


def _is_page(row: CallFact) -> bool:
    """Whether what is answered is said to be HTML."""
    told = next((term for key, term in row.keywords if key == "media_type"), None)
    return isinstance(told, list) and told[:1] == ["s"] and str(told[1]).startswith("text/html")


def _process(name: str, row: CallFact, command: Term) -> Sink | None:
    """A list is handed to the program as it is, unless the program is a shell."""
    through = next((term for key, term in row.keywords if key == "shell"), None)
    if through == ["k", True]:
        return Sink("shell", name, (command,))
    match command:
        case ["l", ["s", str(program)], ["s", str(flag)], *rest]:
            if program.rpartition("/")[2] in ("sh", "bash", "zsh", "cmd") and flag in ("-c", "/c"):
                return Sink("shell", name, tuple(rest[:1]))
    return None


def loader_of(row: CallFact) -> str:
    """The class that ``yaml.load`` is told to read by, as written; empty where it is not told."""
    given = [*row.arguments[1:2], *(term for key, term in row.keywords if key == "Loader")]
    return next((term for term in given if isinstance(term, str)), "")


SAFE_LOADERS = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"})
"""The classes of yaml that make plain values alone."""


def _by_method(dotted: str, row: CallFact) -> Sink | None:
    name = last_name(row.callee)
    if name in _STATEMENTS:
        driver = dotted.partition(".")[0] in _DRIVERS
        given = row.arguments[:1] or [t for k, t in row.keywords if k in ("query", "statement")]
        return Sink("sql" if driver else "statement", dotted or name, tuple(given))
    logs = dotted.startswith(("logging.", "loguru.", "structlog.")) or _is_logger(row.callee)
    if name in _LEVELS and logs:
        terms = (*row.arguments, *(t for k, t in row.keywords if k != "exc_info"))
        return Sink("log", dotted or name, terms)
    if name in _PATHS:
        receiver = receiver_of(row.callee)
        return Sink("path method", f"pathlib.Path.{name}", (receiver,)) if receiver else None
    if name in _CALLS and not (name == "from_string" and _is_no_engine(dotted)):
        kind = {"from_string": "template", "exec_command": "shell"}.get(name, "sql")
        return Sink(kind, dotted or name, tuple(row.arguments[:1]))
    if name == "read" and not row.arguments and not row.keywords:
        return Sink("read", dotted or name, (receiver_of(row.callee),))
    return None


def _is_no_engine(dotted: str) -> bool:
    """True for a ``from_string`` that is known to be that of a package without templates."""
    return bool(dotted) and not any(word in dotted.lower() for word in _ENGINES)


def _is_logger(callee: Term) -> bool:
    receiver = receiver_of(callee)
    words = receiver.lower() if isinstance(receiver, str) else ""
    return words.rpartition(".")[2].strip("_") in ("log", "logger", "logging", "audit_logger")


def table_made(callee: Symbol | None, row: CallFact, tables: frozenset[str]) -> Sink | None:
    """``Model(**values)`` of a mapped class."""
    if callee is None or callee.kind != "scope" or callee.dotted() not in tables:
        return None
    terms = tuple(term for key, term in row.keywords if key == "**")
    return Sink("fields", callee.dotted(), terms) if terms else None


def columns_written(row: CallFact) -> Sink | None:
    """``row.sqlmodel_update(values)``, ``update(Model).values(**values)`` and the like."""
    name = last_name(row.callee)
    if name not in _WRITING or receiver_of(row.callee) is None:
        return None
    terms = (*row.arguments[:1], *(term for key, term in row.keywords if key == "**"))
    return Sink("fields", "", terms) if terms else None


_WRITING = frozenset({"sqlmodel_update", "values", "update", "model_validate"})
