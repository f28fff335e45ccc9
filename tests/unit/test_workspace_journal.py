"""Apply, undo and merge: to the byte, or not at all."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastwright.model.errors import ChangedUnderneath, Refused, UnknownName
from fastwright.workspace import journal
from fastwright.workspace.merge import merge
from fastwright.workspace.project import Project

APP = PurePosixPath("app.py")
NEW = PurePosixPath("api/v1/login.py")
ENV = PurePosixPath(".env")
TEXT = b"one\ntwo\nthree\nfour\nfive\nsix\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of one file."""
    (tmp_path / APP).write_bytes(TEXT)
    return Project(tmp_path)


def tree(project: Project) -> Mapping[str, object]:
    """Bytes and modes of every file, and every folder, but ours."""
    found = (p for p in project.root.rglob("*") if ".fastwright" not in p.parts)
    return {str(p): (p.read_bytes(), p.stat().st_mode) if p.is_file() else None for p in found}


def change(project: Project, text: bytes = TEXT.replace(b"two", b"TWO")) -> journal.Entry:
    """Edit one file and make another in a new folder."""
    return journal.apply(project, {APP: TEXT}, {APP: text, NEW: b"login"}, "login")


def test_apply_then_undo_is_exact(project: Project) -> None:
    """Bytes, modes and folders are as they were; a redo brings all of it back."""
    (project.root / APP).chmod(0o741)
    before = tree(project)
    change(project)
    after = tree(project)
    assert (project.root / APP).stat().st_mode & 0o777 == 0o741
    taken = journal.undo(project)
    assert tree(project) == before
    journal.undo(project, taken.id)
    assert tree(project) == after
    journal.undo(project)
    assert tree(project) == before


def test_an_undo_of_an_undo_is_told_as_what_it_is(project: Project) -> None:
    """However often a change goes and comes, its title has one word before it."""
    change(project)
    titles = [journal.undo(project, f"{number:04}").title for number in range(1, 5)]
    assert titles == ["undo: login", "redo: login", "undo: login", "redo: login"]


def test_undo_takes_the_newest_that_stands(project: Project) -> None:
    """Two undos take back two changes, the newer first; a third is refused."""
    before = tree(project)
    change(project, b"first\n")
    journal.apply(project, {APP: b"first\n"}, {APP: b"second\n"}, "second")
    assert [entry.title for entry in journal.applied(project)] == ["login", "second"]
    journal.undo(project)
    assert (project.root / APP).read_bytes() == b"first\n"
    journal.undo(project)
    assert tree(project) == before
    with pytest.raises(Refused, match="no change of fastwright's stands"):
        journal.undo(project)


def test_an_entry_is_undone_once(project: Project) -> None:
    """Undoing what is undone says which entry did it; an unknown id is a usage error."""
    entry = change(project)
    taken = journal.undo(project)
    with pytest.raises(Refused, match=f"`{taken.id}` took it back already"):
        journal.undo(project, entry.id)
    with pytest.raises(UnknownName):
        journal.undo(project, "9999")


def test_other_bytes_than_the_baseline_are_refused(project: Project) -> None:
    """A file edited, made or removed since the baseline is read stops the whole change."""
    before = tree(project)
    for baseline, after in (
        ({APP: b"older"}, {APP: b"x", NEW: b"y"}),
        ({}, {APP: b"x", NEW: b"y"}),
        ({APP: TEXT, NEW: b"was here"}, {APP: b"x", NEW: b"y"}),
    ):
        with pytest.raises(ChangedUnderneath, match="bytes differ"):
            journal.apply(project, baseline, after, "stale")
    assert tree(project) == before


@pytest.mark.parametrize("name", ["../x.py", "/etc/x", ".git/config", "a/.fastwright/x"])
def test_paths_outside_the_project_are_refused(project: Project, name: str) -> None:
    """Neither another tree nor git's or our own folder can be written to."""
    with pytest.raises(Refused, match="no file of the project's own"):
        journal.apply(project, {}, {PurePosixPath(name): b"x"}, "stray")


def test_links_are_not_written_through(project: Project, tmp_path: Path) -> None:
    """A file behind a symbolic link is refused, for it may lie outside the tree."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (project.root / "pkg").symlink_to(outside)
    with pytest.raises(Refused, match="`pkg` is a symbolic link"):
        journal.apply(project, {}, {PurePosixPath("pkg/x.py"): b"x"}, "through")
    assert list(outside.iterdir()) == []


def test_private_files_are_the_owners_alone(project: Project) -> None:
    """A new file with a secret has mode 0600, and so has its content in the journal."""
    entry = journal.apply(project, {}, {ENV: b"SECRET=x"}, "secret", private={ENV})
    assert (project.root / ENV).stat().st_mode & 0o777 == 0o600
    kept = project.state / "journal" / entry.id
    assert {p.stat().st_mode & 0o077 for p in [*kept.rglob("*"), kept] if p.is_file()} == {0}


def test_a_failure_half_way_leaves_the_tree_as_before(project: Project) -> None:
    """Whatever is raised before any step, a full disk among it, the tree is as before."""
    before = tree(project)
    steps: list[str] = []
    journal.apply(project, {APP: TEXT}, {APP: b"x", NEW: b"y"}, "t", checkpoint=steps.append)
    journal.undo(project)
    assert tree(project) == before
    for fatal in range(len(steps)):
        seen: list[str] = []

        def fail(step: str, seen: list[str] = seen, fatal: int = fatal) -> None:
            seen.append(step)
            if len(seen) == fatal + 1:
                raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises((Refused, OSError)):
            journal.apply(project, {APP: TEXT}, {APP: b"x", NEW: b"y"}, "t", checkpoint=fail)
        assert tree(project) == before, steps[fatal]
        assert journal.recover(project) is None, steps[fatal]


def test_edits_made_since_survive_an_undo(project: Project) -> None:
    """Undo merges with later edits elsewhere in the file, and keeps their bytes."""
    change(project)
    edited = (project.root / APP).read_bytes().replace(b"six", b"SIX")
    (project.root / APP).write_bytes(edited)
    journal.undo(project)
    assert (project.root / APP).read_bytes() == TEXT.replace(b"six", b"SIX")
    assert not (project.root / "api").exists()


def test_colliding_edits_stop_an_undo(project: Project) -> None:
    """An edit of the same line touches nothing and is named; forced, it stays in the journal."""
    change(project)
    (project.root / APP).write_bytes(TEXT.replace(b"two", b"2"))
    (project.root / NEW).write_bytes(b"login, edited")
    before = tree(project)
    with pytest.raises(ChangedUnderneath, match=r"`api/v1/login.py`, `app.py`|`app.py`"):
        journal.undo(project)
    assert tree(project) == before
    forced = journal.undo(project, force=True)
    assert (project.root / APP).read_bytes() == TEXT
    assert not (project.root / NEW).exists()
    journal.undo(project, forced.id)
    assert tree(project) == before


def test_folders_with_other_files_stay(project: Project) -> None:
    """Undo removes a folder that it made only where nothing but Python's caches is left in it."""
    change(project)
    (project.root / "api/v1/__pycache__").mkdir()
    (project.root / "api/v1/__pycache__/login.cpython-311.pyc").touch()
    (project.root / "api/mine.py").touch()
    journal.undo(project)
    assert sorted(p.name for p in (project.root / "api").iterdir()) == ["mine.py"]


def test_the_entry_says_when(project: Project) -> None:
    """An entry carries the time of the clock that it was given."""
    at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    entry = journal.apply(project, {}, {NEW: b"x"}, "dated", clock=lambda: at)
    assert entry.at == at.isoformat()


PATHS = st.sampled_from(["a.py", "b.py", "pkg/a.py", "pkg/sub/b.py", "other/c"]).map(PurePosixPath)
TREES = st.dictionaries(PATHS, st.binary(max_size=6))
CHANGES = st.dictionaries(PATHS, st.none() | st.binary(max_size=6))


@settings(max_examples=40)
@given(before=TREES, changes=CHANGES)
def test_any_change_is_undone_and_redone_exactly(
    before: dict[PurePosixPath, bytes], changes: dict[PurePosixPath, bytes | None]
) -> None:
    """Whatever is made, edited and removed, undo is exact, and so is undoing the undo."""
    with TemporaryDirectory() as folder:
        project = Project(Path(folder))
        for path, content in before.items():
            (project.root / path).parent.mkdir(parents=True, exist_ok=True)
            (project.root / path).write_bytes(content)
        old = tree(project)
        journal.apply(project, before, changes, "any")
        new = tree(project)
        files = {
            PurePosixPath(name).relative_to(folder): found[0]  # type: ignore[index]
            for name, found in new.items()
            if found is not None
        }
        wanted = {**before, **changes}
        assert files == {path: text for path, text in wanted.items() if text is not None}
        taken = journal.undo(project)
        assert tree(project) == old
        journal.undo(project, taken.id)
        assert tree(project) == new


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write to")
def test_a_tree_that_cannot_be_written_is_refused() -> None:
    """The refusal has the system's reason, and says what to do."""
    with pytest.raises(Refused, match=r"cannot write `/proc/\.fastwright`") as refusal:
        journal.apply(Project(Path("/proc")), {}, {NEW: b"x"}, "read-only")
    assert "work on a copy" in refusal.value.do


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"d\r\n"]), max_size=12).map(
    b"".join
)


@given(base=LINES, other=LINES)
def test_a_merge_with_no_change_is_the_other_side(base: bytes, other: bytes) -> None:
    """Where one side did nothing, or both did the same, the result is the other side's text."""
    assert merge(base, base, other) == other
    assert merge(base, other, base) == other
    assert merge(base, other, other) in (other, None)


@given(head=LINES, tail=LINES, mine=LINES, theirs=LINES)
def test_changes_apart_merge(head: bytes, tail: bytes, mine: bytes, theirs: bytes) -> None:
    """A change above and one below untouched lines both arrive, whichever side made them."""
    wall = b"".join(b"wall %d\n" % number for number in range(20))
    base = head + wall + tail
    expected = mine + wall + theirs
    assert merge(base, mine + wall + tail, head + wall + theirs) == expected
    assert merge(base, head + wall + theirs, mine + wall + tail) == expected


@given(base=LINES, mine=LINES, theirs=LINES)
def test_a_merge_does_not_depend_on_whose_change_it_is(
    base: bytes, mine: bytes, theirs: bytes
) -> None:
    """The sides may be exchanged."""
    assert merge(base, mine, theirs) == merge(base, theirs, mine)


def test_neighbouring_lines_collide() -> None:
    """What touches the same or adjoining lines differently is left to a person."""
    assert merge(b"a\nb\n", b"A\nb\n", b"a\nB\n") is None
    assert merge(b"a\n", b"a\nx\n", b"a\ny\n") is None
