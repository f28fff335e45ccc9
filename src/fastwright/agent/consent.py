"""Asking once a project before its code, or the set-up code of its packages, is run."""

from __future__ import annotations

from fastwright.agent.person import Person
from fastwright.model.errors import NeedsConsent
from fastwright.workspace.consent import Consent, given, record
from fastwright.workspace.project import Project


def to_run(project: Project, person: Person) -> None:
    """Have the person's consent to import and start the app; asked once and kept.

    Raises:
        NeedsConsent: They said no, or nobody is there to say.
    """
    _have(
        project,
        person,
        Consent.IMPORT,
        f"Import and start the app of {project.root} in a sandbox, on a copy?",
        "`fastwright survey --static` and `fastwright plan` read the source alone",
    )


def to_build(project: Project, person: Person, into: str) -> None:
    """Have the person's consent to install the project's packages into a folder of ours.

    Raises:
        NeedsConsent: They said no, or nobody is there to say.
    """
    _have(
        project,
        person,
        Consent.BUILD,
        f"The project has no environment. Install its packages into {into}? "
        "Where a package has no wheel, that runs its set-up code.",
        "name an interpreter that has them with `--python`",
    )


def _have(project: Project, person: Person, what: Consent, question: str, otherwise: str) -> None:
    if what in given(project):
        return
    if not person.agrees(question):
        raise NeedsConsent("cannot go on", "running it was not agreed to", otherwise)
    record(project, what)
