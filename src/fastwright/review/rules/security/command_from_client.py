"""FW532 command-from-client."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit, Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.harm import finding, harms
from fastwright.review.rule import rule
from fastwright.source import call_sites, imports, shell_text
from fastwright.source.syntax import Node

_WHY = "without a shell, the value is one argument of the program and nothing else"


@rule(code="FW532", severity=Severity.HIGH)
def command_from_client(app: AppMap) -> Iterator[Finding]:
    """A value of a request that becomes part of a command line for the shell.

    ## Why is this bad?
    The shell reads `;`, `|`, `$()` and line ends in the value as its own grammar, so that whoever
    sends the request runs programs as the app's user (CWE-78, OWASP A03:2021 Injection).

    ## Example
    ```python
    import subprocess


    @app.post("/thumbnails")
    def make_thumbnail(name: str) -> None:
        subprocess.run(f"convert uploads/{name} thumbnails/{name}", shell=True)
    ```

    Use instead:
    ```python
    import subprocess


    @app.post("/thumbnails")
    def make_thumbnail(name: Annotated[str, Query(pattern=r"^[a-z0-9]+$")]) -> None:
        subprocess.run(["convert", f"uploads/{name}", f"thumbnails/{name}"])
    ```

    ## Fix safety
    Safe where the command is a list of words without quotes, pipes or variables: the program gets
    the same arguments, and a value with a space in it stays one argument. A value that begins with
    a dash can still be read as an option by the program.

    ## Known limits
    A list without `shell=True` is not reported, whatever the program makes of its arguments.
    `shlex.quote` ends the flow. Commands run on another machine by ssh are.
    """
    for harm in harms(app, "shell"):
        message = f"`{harm.first.sink}` runs a command line that is built from {harm.source}"
        fix = _list_of_words(app, harm.at)
        yield finding(app, "command-from-client", harm, message, (fix,) if fix else ())


def _list_of_words(app: AppMap, at: Span) -> Fix | None:
    """The command as a list of arguments, without a shell."""
    content = app.files[at.path]
    call = call_sites.call_at(content, at)
    command = call_sites.argument(call, 0, "args", "cmd", "command") if call is not None else None
    words = shell_text.words(command, content) if command is not None else None
    if call is None or command is None or words is None:
        return None
    listed = f"[{', '.join(words)}]"
    title = "Hand the program its arguments as a list, without a shell"
    changes = _without_shell(at, call, command, listed)
    if not changes and call_sites.callee_of(call) == "os.system":
        changes = _instead_of_system(app, at, call, listed)
    return Fix(title, Safety.SAFE, changes) if changes else None


def _without_shell(at: Span, call: Node, command: Node, listed: str) -> tuple[Change, ...]:
    keyword = call_sites.keyword_of(call, "shell")
    given = call_sites.arguments(call)
    if keyword is None or keyword == given[0]:
        return ()
    previous = given[given.index(keyword) - 1]
    gone = Edit(Span(at.path, previous.end_byte, keyword.end_byte), "", _WHY)
    return (call_sites.replaced(at, command, listed, _WHY), gone)


def _instead_of_system(app: AppMap, at: Span, call: Node, listed: str) -> tuple[Change, ...]:
    """``os.system`` gives a status: only where nobody reads it can another call take its place."""
    if call.parent is None or call.parent.type != "expression_statement":
        return ()
    bound = imports.ensure_import(app, at.path, "subprocess", "")
    written = f"{bound.local}.run({listed}, check=False)"
    return (*bound.edits, call_sites.replaced(at, call, written, _WHY))
