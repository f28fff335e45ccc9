"""Values that the tests give to the app's settings, given where the suite gives its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, NewFile
from fastwright.recipes.ensure.drafting import insert_lines, version
from fastwright.recipes.ensure.suite import learn_suite
from fastwright.source import layout
from fastwright.source.imports import ensure_import
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node, parse, walk

_IMPORTS_OS = re.compile(rb"(?m)^import (?:[\w.]+, *)*os *(?:,|#|$)")
_SETS = re.compile(r"environ(\.setdefault\(|\[)\s*[\"'](\w+)[\"']")


def ensure_test_setting(app: AppMap, variable: str, value: str) -> tuple[Change, ...]:
    """Have `variable` in the environment of the tests, before they import the app.

    It joins the statements of a ``conftest.py`` that set others there; a suite that sets none gets
    one below the imports that come from outside the project, in a new file where there is none.
    """
    path = _conftest(app)
    if path is None:
        return _new_conftest(app, variable, value)
    if _given(app, path, variable):
        return ()
    content = app.files[path]
    setters = list(_setters(parse(content)))
    if setters:
        last = setters[-1]
        line = _like(text_of(last), variable, value)
        offset = layout.line_end(content, last.end_byte - 1)
        why = f"the tests set `{variable}` as they set {len(setters)} other variables"
        return (insert_lines(app, path, offset, f"{line}\n", why),)
    package = path.parent / "__init__.py"
    if package in app.files and _wants_imports_first(app):
        return _in_package(app, package, variable, value)
    return _first_setter(app, path, variable, value)


def _wants_imports_first(app: AppMap) -> bool:
    """True where a statement above an import is E402: to flake8, and to ruff before 0.5."""
    if () < version(app, "ruff") < (0, 5):
        return True
    sections = (("setup.cfg", b"[flake8]"), ("tox.ini", b"[flake8]"), (".flake8", b""))
    return any(
        path.name == name and text in content
        for path, content in app.files.items()
        for name, text in sections
    )


def _in_package(app: AppMap, path: PurePosixPath, variable: str, value: str) -> tuple[Change, ...]:
    """The tests' own package is imported before its ``conftest.py``."""
    if _given(app, path, variable):
        return ()
    content = app.files[path]
    quote = layout.quote_of(content)
    text = f"os.environ.setdefault({quote}{variable}{quote}, {quote}{value}{quote})\n"
    why = f"the app asks for `{variable}` when the tests import it"
    if not content.strip():
        return (insert_lines(app, path, 0, f"import os\n\n{text}", why),)
    bound = ensure_import(app, path, "os", "")
    return (*bound.edits, insert_lines(app, path, len(content), f"\n{text}", why))


def _new_conftest(app: AppMap, variable: str, value: str) -> tuple[Change, ...]:
    folder = learn_suite(app).folder
    text = (
        '"""What the tests run with."""\n\nimport os\n\n'
        f'os.environ.setdefault("{variable}", "{value}")\n'
    )
    why = f"the app asks for `{variable}` when the tests import it"
    return (NewFile(folder / "conftest.py", text, why),)


def _conftest(app: AppMap) -> PurePosixPath | None:
    found = [p for p in app.files if p.name == "conftest.py"]
    return min(found, key=lambda p: len(p.parts), default=None)


def _given(app: AppMap, path: PurePosixPath, variable: str) -> bool:
    return any(m[2] == variable for m in _SETS.finditer(app.files[path].decode("utf-8", "replace")))


def _setters(root: Node) -> Iterator[Node]:
    for node in root.named_children:
        if node.type == "expression_statement" and _SETS.search(text_of(node)):
            yield node


def _like(sibling: str, variable: str, value: str) -> str:
    environ = sibling[: sibling.index("environ") + len("environ")]
    if ".setdefault(" in sibling:
        return f'{environ}.setdefault("{variable}", "{value}")'
    return f'{environ}["{variable}"] = "{value}"'


def _first_setter(
    app: AppMap, path: PurePosixPath, variable: str, value: str
) -> tuple[Change, ...]:
    """A statement before the first import of the project, so that its settings find the value."""
    content = app.files[path]
    own = [node for node in parse(content).named_children if _imports_project(app, node)]
    if own:
        offset = layout.line_start(content, own[0].start_byte)
        quote = layout.quote_of(content)
        above = content[:offset].rstrip(b" ")
        lead = "" if not above or above.endswith(b"\n\n") else "\n"
        edits = _os_above(app, path, offset)
        named = f"{lead}import os\n\n" if edits is None else lead
        text = f"{named}os.environ.setdefault({quote}{variable}{quote}, {quote}{value}{quote})\n\n"
        why = f"the app asks for `{variable}` when the tests import it"
        return (*(edits or ()), insert_lines(app, path, offset, text, why))
    bound = ensure_import(app, path, "os", "")
    end = _last_import_end(content)
    text = f'\n{bound.local}.environ.setdefault("{variable}", "{value}")\n'
    why = f"the app asks for `{variable}` when the tests import it"
    return (*bound.edits, insert_lines(app, path, end, text, why))


def _os_above(app: AppMap, path: PurePosixPath, offset: int) -> tuple[Change, ...] | None:
    """What binds `os` above `offset`; None where its place among the imports is below."""
    if _IMPORTS_OS.search(app.files[path][:offset]):
        return ()
    edits = ensure_import(app, path, "os", "").edits
    return edits if edits and all(edit.span.start <= offset for edit in edits) else None


def _imports_project(app: AppMap, node: Node) -> bool:
    if node.type not in ("import_statement", "import_from_statement"):
        return False
    own = {name.partition(".")[0] for name in app.modules}
    named = next((n for n in walk(node) if n.type in ("dotted_name", "relative_import")), None)
    text = text_of(named)
    return text.startswith(".") or text.partition(".")[0] in own


def _last_import_end(content: bytes) -> int:
    nodes = [n for n in parse(content).named_children if "import" in n.type]
    return layout.line_end(content, nodes[-1].end_byte - 1) if nodes else 0
