"""Everything a contributor runs, by name: ``nox -s tests``."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
PYTHONS = ["3.11", "3.12", "3.13"]


def install(session: nox.Session) -> None:
    """The project and the locked development tools."""
    session.install("-q", "-r", "requirements.lock", "-e", ".")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole suite; arguments go to pytest."""
    install(session)
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, format and import contracts."""
    install(session)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types."""
    install(session)
    session.run("mypy")


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks, each beside a named peer."""
    install(session)
    for name in ("help", "survey", "login_job"):
        session.run("python", f"benchmarks/{name}.py", *session.posargs)
