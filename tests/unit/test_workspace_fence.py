"""The door to the disposable copy: whatever links stand in it, nothing outside is touched."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.world import World, WorldSpec
from fastwright.model.errors import Refused
from fastwright.workspace import checkout
from fastwright.workspace.fence import Fence
from fastwright.workspace.project import Project

APP_DB = PurePosixPath("data/app.db")
SQLITE = {"DATABASE_URL": "sqlite:///./data/app.db"}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the person's own, with a database in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "app.db").write_bytes(b"real")
    return folder


@pytest.fixture
def fence(tmp_path: Path) -> Fence:
    """An empty copy."""
    (tmp_path / "copy").mkdir()
    return Fence(tmp_path / "copy")


def refusals(fence: Fence, path: PurePosixPath) -> int:
    """How many of the writing ways refuse `path`."""
    count = 0
    for way in (
        lambda: fence.write(path, b"x"),
        lambda: fence.link(path, "x"),
        lambda: fence.make(path / "deeper"),
    ):
        try:
            way()
        except Refused:
            count += 1
    return count


@pytest.mark.parametrize("target", ["{outside}", "../outside", "inner/../../outside", "again"])
def test_what_leads_out_is_absent_and_never_written(
    fence: Fence, outside: Path, target: str
) -> None:
    """Absolute, upwards or in two steps: not found, not written, and removed without harm."""
    (fence.root / "inner").mkdir()
    (fence.root / "again").symlink_to("../outside")
    (fence.root / "data").symlink_to(target.format(outside=outside))
    assert fence.read(APP_DB) is None
    assert fence.names(PurePosixPath("data")) == ()
    assert list(fence.files(PurePosixPath("data"))) == []
    assert not fence.has_folder(PurePosixPath("data"))
    assert refusals(fence, APP_DB) == 3
    fence.remove(APP_DB)
    assert [(p.name, p.read_bytes()) for p in outside.iterdir()] == [("app.db", b"real")]


def test_a_file_that_is_a_link_out_is_replaced_and_not_followed(
    fence: Fence, outside: Path
) -> None:
    """The link itself can be removed; it is never read or written through."""
    (fence.root / "app.db").symlink_to(outside / "app.db")
    path = PurePosixPath("app.db")
    assert fence.read(path) is None
    with pytest.raises(Refused, match="leads out"):
        fence.write(path, b"x")
    fence.remove(path)
    assert not (fence.root / "app.db").is_symlink()
    assert (outside / "app.db").read_bytes() == b"real"


def test_links_within_are_followed(fence: Fence) -> None:
    """An app that keeps its data behind a link of its own tree is served as without one."""
    fence.write(PurePosixPath("var/lib/app.db"), b"one")
    (fence.root / "data").symlink_to("var/lib")
    (fence.root / "var" / "up").symlink_to("../data/app.db")
    assert fence.read(APP_DB) == fence.read(PurePosixPath("var/up")) == b"one"
    fence.write(PurePosixPath("var/up"), b"2")
    assert fence.names(PurePosixPath("data")) == ("app.db",)
    assert fence.read(PurePosixPath("var/lib/app.db")) == b"2"
    fence.remove(APP_DB)
    assert fence.names(PurePosixPath("var/lib")) == ()


def test_pipes_loops_and_folders_neither_hang_nor_count_as_files(fence: Fence) -> None:
    """What is no ordinary file is absent to readers, and refused to writers."""
    os.mkfifo(fence.root / "pipe")
    (fence.root / "loop").symlink_to("loop")
    (fence.root / "folder").mkdir()
    for name in ("pipe", "loop", "folder", "pipe/x", "loop/x"):
        assert fence.read(PurePosixPath(name)) is None
        with pytest.raises(Refused):
            fence.write(PurePosixPath(name), b"x")


def test_a_folder_that_is_swapped_all_the_time_never_leads_out(fence: Fence, outside: Path) -> None:
    """Against one who exchanges a folder for a link, over and over, no step goes astray."""
    inner, done = fence.root / "data", threading.Event()

    def swap() -> None:
        for number in itertools.count():
            with contextlib.suppress(OSError):
                inner.rename(fence.root / f"aside{number}")
            with contextlib.suppress(OSError):
                inner.symlink_to(outside)
            with contextlib.suppress(OSError):
                inner.unlink()
            if done.is_set():
                return

    other = threading.Thread(target=swap)
    other.start()
    try:
        for _ in range(500):
            assert fence.read(APP_DB) != b"real"
            for act in (fence.remove, lambda path: fence.write(path, b"x")):
                with contextlib.suppress(Refused):
                    act(APP_DB)
    finally:
        done.set()
        other.join()
    assert [(p.name, p.read_bytes()) for p in outside.iterdir()] == [("app.db", b"real")]


def test_a_copy_keeps_inner_links_and_has_no_link_out(tmp_path: Path, outside: Path) -> None:
    """A folder out of the tree becomes an empty one, a file is left out; the rest are relative."""
    root, into = tmp_path / "tree", tmp_path / "into"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text("app")
    for name, target in {
        "data": str(outside),
        "up": "../outside",
        "real.db": str(outside / "app.db"),
        "absolute": str(root / "app"),
        "relative": "app/main.py",
        "two": "data/app.db",
        "gone": "app/not_yet.py",
    }.items():
        (root / name).symlink_to(target)
    copied = checkout.copy(Project(root), into)
    links = {p.name: str(p.readlink()) for p in into.iterdir() if p.is_symlink()}
    assert links == {"absolute": "app", "relative": "app/main.py", "gone": "app/not_yet.py"}
    assert list((into / "data").iterdir()) == list((into / "up").iterdir()) == []
    assert {str(u.path): u.because for u in copied.left_out} == dict.fromkeys(
        ("real.db", "two"), "a symbolic link out of the tree"
    )


def test_a_real_database_behind_a_linked_folder_outlives_a_world(
    tmp_path: Path, outside: Path
) -> None:
    """Opening, writing, resetting, snapshot and restore: all of it happens in the copy."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "data").symlink_to(outside)
    with World.open(WorldSpec(tmp_path / "tree", env=SQLITE)) as world:
        assert world.run(["sh", "-c", "test ! -e data/app.db && echo one > data/app.db"]).ok
        kept = world.snapshot()
        world.run(["sh", "-c", "echo two > data/app.db"])
        assert kept is not None
        world.restore(kept)
        assert world.run(["cat", "data/app.db"]).out == "one\n"
        world.reset()
        assert not world.run(["test", "-e", "data/app.db"]).ok
    assert [(p.name, p.read_bytes()) for p in outside.iterdir()] == [("app.db", b"real")]


def test_a_program_that_swaps_a_folder_for_a_link_reaches_nothing(
    tmp_path: Path, outside: Path
) -> None:
    """Reset deletes nothing outside, restore and overlay refuse; the world still closes."""
    (tmp_path / "tree" / "data").mkdir(parents=True)
    (tmp_path / "tree" / "data" / "app.db").write_bytes(b"tree")
    with World.open(WorldSpec(tmp_path / "tree", env=SQLITE)) as world:
        world.run(["sh", "-c", "echo one > data/app.db"])
        kept = world.snapshot()
        assert kept is not None
        assert world.run(["sh", "-c", f"rm -r data && ln -s {outside} data"]).ok
        world.reset()
        with pytest.raises(Refused):
            world.restore(kept)
        with pytest.raises(Refused):
            world.overlay({APP_DB: b"laid over"})
        world.overlay({APP_DB: None})
    assert [(p.name, p.read_bytes()) for p in outside.iterdir()] == [("app.db", b"real")]
