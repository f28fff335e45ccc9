"""What lies in `.fastwright` is not believed: it may have come with a clone, or be damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from fastwright.cli.failures import run_command
from fastwright.model.errors import Refused
from fastwright.workspace import journal
from fastwright.workspace.entry import Shelf, version_of
from fastwright.workspace.project import Project

APP = PurePosixPath("main.py")
TEXT = b"from fastapi import FastAPI\n\napp = FastAPI()\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with an app, and a change of it that stands."""
    root = tmp_path / "project"
    root.mkdir()
    (root / APP).write_bytes(TEXT)
    made = Project(root)
    journal.apply(made, {APP: TEXT}, {APP: TEXT + b"# changed\n"}, "note")
    return made


def entry_file(project: Project) -> Path:
    """Where the first entry is described."""
    return project.root / ".fastwright" / "journal" / "0001" / "entry.json"


def interrupt(project: Project) -> None:
    """Begin a second change, and be killed before its only file is swapped."""

    class Killed(BaseException):
        """Stands for the end of the process: nothing is cleaned up after it."""

    def kill(step: str) -> None:
        if step.startswith("swap "):
            raise Killed

    current = (project.root / APP).read_bytes()
    with pytest.raises(Killed):
        journal.apply(project, {APP: current}, {APP: b"half\n"}, "second", checkpoint=kill)
    (project.root / APP).write_bytes(current)
    shelf = Shelf(project.root / ".fastwright" / "journal")
    (shelf.folder / "0002" / "phase").write_text("swapping")


def rewrite(project: Project, change: Callable[[dict[str, object]], object]) -> None:
    """Change the description of the first entry."""
    described = json.loads(entry_file(project).read_text())
    change(described)
    entry_file(project).write_text(json.dumps(described))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of a command, and all that it printed, on one line."""
    code = run_command(words)
    printed = capsys.readouterr()
    return code, " ".join((printed.out + printed.err).split())


def test_a_journal_that_came_with_a_clone_writes_nothing(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interrupted change that a copied tree brings is told of, never completed."""
    interrupt(project)
    clone = tmp_path / "clone"
    shutil.copytree(project.root, clone)
    stray = tmp_path / "stray.txt"
    content = b"planted"
    copied = Project(clone)
    rewrite(
        copied,
        lambda entry: entry.update(
            moves=[
                {
                    "path": "../stray.txt",
                    "before": None,
                    "after": {"sha256": version_of(content, 0).sha256, "mode": 0o644},
                }
            ]
        ),
    )
    before = (clone / APP).read_bytes()
    code, said = run(capsys, "survey", "--static", str(clone))
    assert code == 0
    assert "came with a clone" in said
    assert journal.recover(copied) is None
    assert journal.applied(copied) == ()
    code, said = run(capsys, "undo", "--app", str(clone))
    assert code == 4
    assert "was not made here" in said
    assert (clone / APP).read_bytes() == before
    assert not stray.exists()


def test_a_change_sets_a_foreign_journal_aside(project: Project, tmp_path: Path) -> None:
    """It is kept under another name, and what is done here is undone as ever."""
    shutil.copytree(project.root, tmp_path / "clone")
    clone = Project(tmp_path / "clone")
    current = (clone.root / APP).read_bytes()
    entry = journal.apply(clone, {APP: current}, {APP: b"new\n"}, "own")
    assert entry.id == "0001"
    assert (clone.state / "journal-of-elsewhere" / "0001").is_dir()
    journal.undo(clone)
    assert (clone.root / APP).read_bytes() == current


@pytest.mark.parametrize(
    "path", ["../stray.txt", "/tmp/stray.txt", ".git/hooks/x", "a/../../x", ".GIT/config", ""]
)
@pytest.mark.parametrize("part", ["moves", "makes", "drops"])
def test_paths_of_an_entry_stay_in_the_project(project: Project, part: str, path: str) -> None:
    """Even in our own journal an entry that names something else is refused."""
    value: object = [{"path": path, "before": None, "after": None}] if part == "moves" else [path]
    rewrite(project, lambda entry: entry.update({part: value}))
    with pytest.raises(Refused, match="no file of the project's own"):
        journal.recover(project)


def test_a_content_must_have_its_hash(project: Project) -> None:
    """Bytes that were exchanged in the journal are not written to the tree."""
    current = (project.root / APP).read_bytes()
    for kept in (entry_file(project).parent / "contents").iterdir():
        kept.write_bytes(b"exchanged")
    with pytest.raises(Refused, match="not those that were kept"):
        journal.undo(project)
    assert (project.root / APP).read_bytes() == current


@pytest.mark.parametrize("text", ["{", "[]", '{"id": "0001"}', '{"id": 5}', "null", "\xff"])
def test_a_damaged_entry_is_named_with_what_to_do(
    project: Project, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """Every command that looks into it ends with a refusal, not as a fault of fastwright."""
    entry_file(project).write_bytes(text.encode("latin-1"))
    for words in (("undo", "--app"), ("survey", "--static")):
        code, said = run(capsys, *words, str(project.root))
        assert code == 4
        assert "entry.json" in said
        assert "remove" in said


def test_a_damaged_phase_is_named(project: Project) -> None:
    """A phase that is none is refused too."""
    (entry_file(project).parent / "phase").write_text("dancing")
    with pytest.raises(Refused, match="phase"):
        journal.recover(project)


def test_folders_that_are_no_entries_are_passed_over(project: Project) -> None:
    """Whatever else lies in the journal, it works."""
    for name in ("abc", "1x", "٣"):
        (entry_file(project).parents[1] / name).mkdir()
    assert [entry.id for entry in journal.applied(project)] == ["0001"]
    journal.undo(project)
    assert (project.root / APP).read_bytes() == TEXT


def test_a_link_in_our_folder_is_refused(tmp_path: Path) -> None:
    """A repository cannot have us write our lock over a file of the person's."""
    (tmp_path / "tree" / ".fastwright").mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "tree" / ".fastwright" / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(Refused, match="is a symbolic link"):
        journal.apply(Project(tmp_path / "tree"), {}, {APP: TEXT}, "first")
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("words", [("plan", "add login", "--app"), ("survey", "--static")])
def test_commands_that_write_nothing_do_not_recover(
    project: Project, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """They say that a change was interrupted, and leave the tree and the journal as they are."""
    interrupt(project)
    before = (project.root / APP).read_bytes()
    _, said = run(capsys, *words, str(project.root))
    assert "`second` (`0002`) was interrupted" in said or "second (0002) was interrupted" in said
    assert (project.root / APP).read_bytes() == before
    waiting = journal.interrupted(project)
    assert waiting is not None
    assert waiting.id == "0002"


def test_recovery_is_told_in_words(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Undo says that it completed an interrupted change first; JSON has it as well."""
    interrupt(project)
    code = run_command(["undo", "--app", str(project.root), "--json"])
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert code == 0
    assert told["did"][0] == (
        "the earlier change `second` (`0002`) had been interrupted and was completed"
    )
    assert "Recovery(" not in printed.out + printed.err


def test_installed_packages_stay_and_are_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Undo takes back files alone, and lists the packages that were installed with the change."""
    (entry,) = journal.applied(project)
    journal.note_installed(project, entry, ("pyjwt>=2",))
    code, said = run(capsys, "undo", "--app", str(project.root))
    assert code == 0
    assert "pyjwt>=2` stays installed" in said or "pyjwt>=2 stays installed" in said
