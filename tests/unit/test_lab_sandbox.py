"""Commands in a sandbox: how they start, what they get, and how they end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from fastwright.lab.places import Places
from fastwright.lab.prefixes import interpreter_mounts
from fastwright.lab.processes import LONGEST_OUTPUT, Streams
from fastwright.lab.sandbox import Mount, Sandbox
from fastwright.lab.world import World, WorldSpec
from fastwright.model.app import Roots
from fastwright.model.errors import NotSandboxed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for a tree whose app works in a folder of it."""
    tree = tmp_path_factory.mktemp("tree")
    (tree / "backend").mkdir()
    (tree / "backend" / "here.txt").write_text("from the tree")
    (tree / ".venv").mkdir()
    (tree / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    spec = WorldSpec(tree, roots=Roots(working=PurePosixPath("backend")), env={"GIVEN": "1"})
    with World.open(spec) as opened:
        yield opened


def test_a_command_ends_with_its_own_code(world: World) -> None:
    """Exit codes and signals are told apart, and both streams are kept."""
    result = world.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (result.code, result.out, result.err) == (7, "out\n", "err\n")
    assert world.run(["sh", "-c", "kill -TERM $$"]).code == -15


def test_a_program_that_is_not_there_says_so(world: World) -> None:
    """A missing program fails as a shell would, with its name."""
    result = world.run(["no-such-program"])
    assert result.code == 127
    assert "no-such-program" in result.err


def test_a_command_that_is_late_is_ended_with_its_children(world: World) -> None:
    """At the time limit everything ends, and what was printed so far is kept."""
    started = time.monotonic()
    result = world.run(["sh", "-c", "echo begun; setsid sleep 50 & sleep 50"], timeout=0.5)
    assert result.timed_out
    assert not result.ok
    assert result.out == "begun\n"
    assert time.monotonic() - started < 5


def test_what_a_command_leaves_running_ends_with_it(world: World) -> None:
    """A daemon does not outlive the command that started it, nor hold it up."""
    result = world.run(["sh", "-c", "setsid sleep 50 & echo done"], timeout=10)
    assert result.ok
    assert result.seconds < 5


def test_only_the_end_of_a_long_output_is_kept(world: World) -> None:
    """A command that prints without end does not fill our memory."""
    result = world.run(["sh", "-c", f"head -c {LONGEST_OUTPUT + 100} /dev/zero; echo end"])
    assert len(result.out) == LONGEST_OUTPUT
    assert result.out.endswith("\0end\n")


def test_the_working_directory_may_be_named_from_either_side(world: World) -> None:
    """The app's own folder by default; else relative, in the tree, or in the copy."""
    backend = str(world.tree / "backend")
    assert world.run(["pwd"]).out.strip() == backend
    for folder in (Path("backend"), world.tree / "backend", world.copy / "backend"):
        assert world.run(["pwd"], cwd=folder).out.strip() == backend


def test_the_copy_stands_at_the_path_of_the_tree(world: World) -> None:
    """What is written inside is seen in the copy, what is written there is seen inside."""
    path = world.tree / "backend" / "made.txt"
    assert world.run(["sh", "-c", f"cat here.txt; echo inside > {path}"]).out == "from the tree"
    assert (world.copy / "backend" / "made.txt").read_text() == "inside\n"
    assert not path.exists()
    world.overlay({PurePosixPath("backend/laid.txt"): b"over"})
    assert world.run(["cat", "laid.txt"]).out == "over"
    world.overlay({PurePosixPath("backend/laid.txt"): None})
    assert not world.run(["cat", "laid.txt"]).ok


def test_an_environment_in_the_tree_is_there_and_read_only(world: World) -> None:
    """The tree's own `.venv` is not copied, and cannot be changed."""
    result = world.run(["sh", "-c", "cat .venv/pyvenv.cfg; touch .venv/x"], cwd=Path())
    assert result.out == "home = /usr/bin\n"
    assert "Read-only file system" in result.err


def test_variables_come_from_the_spec_and_the_call_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's environment is not passed on."""
    monkeypatch.setenv("SECRET", "canary")
    out = world.run(["env"], env={"CALLED": "2"}).out.splitlines()
    assert {"GIVEN=1", "CALLED=2", "TMPDIR=/tmp"} <= set(out)
    assert not [line for line in out if line.startswith("SECRET")]


def test_temporary_files_last_as_long_as_the_world(world: World) -> None:
    """A later command finds what an earlier one left in the temporary folder and at home."""
    world.run(["sh", "-c", "echo kept > /tmp/a; echo kept > ~/b"])
    assert world.run(["sh", "-c", "cat /tmp/a ~/b"]).out == "kept\nkept\n"


def test_a_started_command_is_spoken_to_through_pipes(world: World) -> None:
    """Input goes in, output comes out, and its end is seen when the command closes it."""
    process = world.start(["cat"], streams=Streams(subprocess.PIPE, subprocess.PIPE))
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"hello")
    process.stdin.close()
    assert process.stdout.read() == b"hello"
    assert process.wait(10) == 0
    assert not process.running
    process.kill()


def test_a_started_command_is_killed_twice_without_harm(world: World) -> None:
    """Ending what has ended is nothing; the code says that it was killed."""
    process = world.start(["sleep", "50"])
    assert process.running
    process.kill()
    process.kill()
    assert process.wait() == -9


def test_commands_run_at_once_without_meeting(world: World) -> None:
    """Two commands may take the same port, for each has a network of its own."""
    program = "import socket, time; s = socket.create_server(('0.0.0.0', 8000)); time.sleep(1)"
    argv = ["/usr/bin/python3", "-c", program]
    codes: list[int] = []
    both = [threading.Thread(target=lambda: codes.append(world.run(argv).code)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert codes == [0, 0]


def test_what_holds_is_said(world: World) -> None:
    """The world says in words what isolation it has, before anything has run in it."""
    words = " · ".join(world.enforced)
    assert "network: own loopback only" in words
    assert "files: root built from an allow-list" in words
    assert "processes: own process namespace" in words


def test_a_refusal_of_the_kernel_is_told_and_nothing_runs(tmp_path: Path) -> None:
    """Where a part of the isolation cannot be had, the command is not started."""
    not_there = tmp_path / "staging"
    sandbox = Sandbox(not_there, (Mount(str(tmp_path), str(tmp_path), writable=True),))
    with pytest.raises(NotSandboxed) as refused:
        sandbox.run(["touch", str(tmp_path / "ran")], {"PATH": "/usr/bin"}, "/")
    assert "staging" in refused.value.because
    assert not (tmp_path / "ran").exists()


def test_a_world_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    """An error while opening takes the scratch folder with it."""
    spec = WorldSpec(tmp_path / "tree", files={PurePosixPath("a"): b""}, scratch=tmp_path / "s")
    with pytest.raises(OSError, match="tree"):
        World.open(spec)
    assert list((tmp_path / "s").iterdir()) == []


def test_another_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on Linux: a refusal that says what to do instead."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NotSandboxed) as refused:
        World.open(WorldSpec(tmp_path))
    assert "darwin" in refused.value.because
    assert "container" in refused.value.do


def test_every_prefix_along_an_interpreters_links_is_seen(tmp_path: Path) -> None:
    """An environment, a folder of links, a minor-version link and the installation itself."""
    real = tmp_path / "cpython-3.12.5" / "bin"
    real.mkdir(parents=True)
    (tmp_path / "cpython-3.12.5" / "lib" / "python3.12").mkdir(parents=True)
    (real / "python3.12").write_text("")
    (tmp_path / "cpython-3.12").symlink_to("cpython-3.12.5")
    (tmp_path / "local" / "bin").mkdir(parents=True)
    (tmp_path / "local" / "bin" / "python").symlink_to(tmp_path / "cpython-3.12/bin/python3.12")
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "env" / "bin" / "python").symlink_to(tmp_path / "local" / "bin" / "python")
    mounts = interpreter_mounts(tmp_path / "env/bin/python")
    seen = {str(Path(mount.at).relative_to(tmp_path)) for mount in mounts}
    assert seen == {"env", "local/bin", "cpython-3.12", "cpython-3.12.5"}
    assert interpreter_mounts(Path("/usr/bin/python3")) == ()


def test_the_home_of_an_environment_and_its_editable_installs_are_seen(tmp_path: Path) -> None:
    """A copied interpreter finds its installation, and an editable install its source."""
    site = tmp_path / "env" / "lib" / "python3.12" / "site-packages"
    for folder in (
        site,
        tmp_path / "env/bin",
        tmp_path / "install/lib/python3.12",
        tmp_path / "src",
    ):
        folder.mkdir(parents=True)
    (tmp_path / "env" / "bin" / "python").write_text("")
    (tmp_path / "env" / "pyvenv.cfg").write_text(f"home = {tmp_path / 'install' / 'bin'}\n")
    (site / "shop.pth").write_text(f"import os\n{tmp_path / 'src'}\n{tmp_path / 'gone'}\n")
    seen = {Path(mount.at).name for mount in interpreter_mounts(tmp_path / "env/bin/python")}
    assert seen == {"env", "install", "src"}


def test_an_editable_install_of_the_tree_is_the_copy(tmp_path: Path) -> None:
    """The code that runs is the copy's, though the environment points to the tree itself."""
    source, site = tmp_path / "tree" / "src", tmp_path / "env/lib/python3.12/site-packages"
    for folder in (source, site, tmp_path / "env" / "bin"):
        folder.mkdir(parents=True)
    (tmp_path / "env" / "bin" / "python").symlink_to("/usr/bin/python3")
    (site / "shop.pth").write_text(f"{source}\n")
    (source / "shop.py").write_text("the tree's")
    spec = WorldSpec(tmp_path / "tree", tmp_path / "env" / "bin" / "python")
    with World.open(spec) as world:
        world.overlay({PurePosixPath("src/shop.py"): b"the copy's"})
        assert world.run(["cat", str(source / "shop.py")]).out == "the copy's"


def test_places_lie_in_the_nearest_known_folder(tmp_path: Path) -> None:
    """A folder below the home lies in the home's own; a new one is made; system folders are not."""
    home, tree = tmp_path / "home", tmp_path / "tree"
    known = {PurePosixPath("/home/a"): home, PurePosixPath("/home/a/code/tree"): tree}
    places = Places(tmp_path / "places", known)
    home.mkdir()
    tree.mkdir()

    def made(inside: str) -> Path:
        found = places.make(PurePosixPath(inside))
        assert found is not None
        fence, folder = found
        assert (fence.root / folder).is_dir()
        return fence.root / folder

    assert made("/home/a/x/y") == home / "x" / "y"
    assert made("/home/a/code/tree/db") == tree / "db"
    new = made("/data/db")
    assert new.is_relative_to(tmp_path / "places")
    assert new == made("/data/db")
    assert places.make(PurePosixPath("/")) is None
    assert places.make(PurePosixPath("/usr/share/app")) is None
    assert {mount.at for mount in places.mounts()} == {"/home/a", "/home/a/code/tree", "/data/db"}
