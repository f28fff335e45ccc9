"""Where a project begins, what is read of it, and the folder that is ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastwright.model.errors import Refused, UsageError
from fastwright.workspace import consent
from fastwright.workspace.project import Project
from fastwright.workspace.reading import LARGEST, is_real_env
from fastwright.workspace.state import locked


def write(root: Path, *names: str, text: str = "") -> None:
    """Make files with their folders."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def names(root: Path) -> set[str]:
    """The files that a project reads."""
    return {str(path) for path in Project(root).read()}


def test_the_root_is_the_top_of_the_repository(tmp_path: Path) -> None:
    """An app in a subfolder with its own manifest is read with all of its repository."""
    write(tmp_path, ".git/HEAD", "backend/pyproject.toml", "backend/app/main.py")
    for start in (".", "backend", "backend/app", "backend/app/main.py"):
        assert Project.find(tmp_path / start).root == tmp_path


def test_an_example_in_another_project_is_a_project_of_its_own(tmp_path: Path) -> None:
    """A folder with a manifest below another project's manifest is its own root."""
    write(tmp_path, ".git/HEAD", "pyproject.toml", "examples/shop/pyproject.toml")
    write(tmp_path, "examples/shop/shop/main.py", "src/lib/__init__.py")
    assert Project.find(tmp_path / "examples/shop/shop").root == tmp_path / "examples/shop"
    assert Project.find(tmp_path / "src/lib").root == tmp_path


def test_a_workspace_member_belongs_to_its_workspace(tmp_path: Path) -> None:
    """A manifest that the top claims as a member does not begin a project."""
    write(tmp_path, ".git/HEAD", "packages/api/pyproject.toml")
    members = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    write(tmp_path, "pyproject.toml", text=members)
    assert Project.find(tmp_path / "packages/api").root == tmp_path


def test_without_git_the_nearest_manifest_begins_the_project(tmp_path: Path) -> None:
    """Without a repository the root is the nearest folder with a manifest, else the start."""
    write(tmp_path, "shop/requirements.txt", "shop/app/main.py", "bare/main.py")
    assert Project.find(tmp_path / "shop/app").root == tmp_path / "shop"
    assert Project.find(tmp_path / "bare").root == tmp_path / "bare"


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    """A missing start is refused as wrong usage, not searched upwards from."""
    with pytest.raises(UsageError, match="no such file or folder"):
        Project.find(tmp_path / "nowhere")


def test_only_text_that_matters_is_read(tmp_path: Path) -> None:
    """Environments, caches, binaries and a person's env files are not; examples of them are."""
    write(tmp_path, "app/main.py", "pyproject.toml", ".env.example", "uv.lock", "Dockerfile")
    write(tmp_path, ".env", "prod.env", ".env.local", "logo.png", "app/__pycache__/main.py")
    write(tmp_path, "my-env/pyvenv.cfg", "my-env/lib/x.py", "node_modules/a/b.py")
    expected = {"app/main.py", "pyproject.toml", ".env.example", "uv.lock", "Dockerfile"}
    assert names(tmp_path) == expected


@pytest.mark.parametrize(
    ("name", "real"),
    [
        (".env", True),
        (".env.production", True),
        ("web.env", True),
        (".env.specific", True),
        (".env.example", False),
        (".env.test", False),
        ("example.env", False),
        ("env.py", False),
    ],
)
def test_env_files_with_a_persons_values_are_told_from_examples(name: str, real: bool) -> None:
    """A whole word of the name decides, not a run of letters in it."""
    assert is_real_env(name) is real


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """Text that is not UTF-8 or too large is left out with its reason; the rest is read."""
    write(tmp_path, "main.py")
    (tmp_path / "latin.py").write_bytes(b"name = '\xe9'")
    (tmp_path / "huge.py").write_bytes(b"#" * (LARGEST + 1))
    reading = Project(tmp_path).scan()
    assert set(reading.files) == {PurePosixPath("main.py")}
    assert [(str(u.path), u.because) for u in reading.unread] == [
        ("huge.py", "1,048,577 bytes, more than 1,048,576"),
        ("latin.py", "not UTF-8 at byte 8"),
    ]


def test_links_do_not_lead_out_of_the_tree(tmp_path: Path) -> None:
    """A link to a file inside is read; one that leads outside, to a folder or nowhere is not."""
    write(tmp_path, "outside/secret.py", "tree/real.py", "tree/pkg/a.py")
    tree = tmp_path / "tree"
    (tree / "inside.py").symlink_to("real.py")
    (tree / "leak.py").symlink_to(tmp_path / "outside/secret.py")
    (tree / "loop").symlink_to(".")
    (tree / "dangling.py").symlink_to("gone.py")
    assert names(tree) == {"real.py", "inside.py", "pkg/a.py"}


SEGMENT = st.sampled_from(["a", "b", "ab", "a.py", "b.py", "build", "x[1]", "é"])
PATHS = st.lists(st.lists(SEGMENT, min_size=1, max_size=4).map("/".join), min_size=1, max_size=8)
GLOB = st.text("ab*?[]!./\\ 1-^#", min_size=1, max_size=7) | st.sampled_from(
    ["**/a", "a/**", "a/**/b", "/a", "a/", "*.py", "!b.py", "build/", "/a/*", "!/a/b", "[!a]*.py"]
)


def make_files(root: Path, paths: list[str]) -> None:
    """Make as many of the paths as do not collide, each as a Python file of its last name."""
    for path in paths:
        target = root / f"{path.removesuffix('.py')}.py"
        if not any(parent.is_file() for parent in target.parents) and not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(paths=PATHS, globs=st.lists(GLOB, max_size=4), nested=st.lists(GLOB, max_size=2))
def test_what_is_ignored_is_what_git_ignores(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], globs: list[str], nested: list[str]
) -> None:
    """For any ignore files, the files read are those that `git ls-files -o` lists."""
    root = tmp_path_factory.mktemp("tree")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    make_files(root, [*paths, "a/z", "a/b/z"])
    (root / ".gitignore").write_text("\n".join(globs))
    (root / "a/.gitignore").write_text("\n".join(nested))
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-coz", "--exclude-standard"],
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"},
    )
    assert names(root) == {name for name in listed.stdout.decode().split("\0") if name}


def git(root: Path, *arguments: str) -> str:
    """Run git in `root`, without this machine's own settings."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return done.stdout


@pytest.mark.parametrize("version", ["2", "4"])
def test_tracked_files_are_read_though_they_are_ignored(tmp_path: Path, version: str) -> None:
    """A committed file below an ignored folder belongs to the project; its neighbour does not."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "index.version", version)
    write(tmp_path, "app/lib/kept.py", "app/lib/deep/er.py", "app/main.py", "z.py")
    write(tmp_path, ".gitignore", text="lib/\n*.cfg\n")
    git(tmp_path, "add", "-f", ".")
    write(tmp_path, "app/lib/new.py", "app/lib/deep/new.py", "new.py", "setup.cfg")
    listed = git(tmp_path, "ls-files", "-co", "--exclude-standard").split()
    assert names(tmp_path) == {*listed}
    assert {"app/lib/kept.py", "app/lib/deep/er.py"} < names(tmp_path)


def test_ignore_files_above_a_project_count(tmp_path: Path) -> None:
    """A project inside a repository obeys the files above it, unless they ignore all of it."""
    git(tmp_path, "init", "-q")
    write(tmp_path, ".gitignore", text="generated.py\n/scratch/\n")
    for folder in ("examples/shop", "scratch/shop"):
        write(tmp_path, f"{folder}/main.py", f"{folder}/generated.py")
    assert names(tmp_path / "examples/shop") == {"main.py"}
    assert names(tmp_path / "scratch/shop") == {"main.py", "generated.py"}


def test_a_worktree_finds_its_index(tmp_path: Path) -> None:
    """In a linked worktree ``.git`` is a file, and what is tracked is read through it."""
    main, linked = tmp_path / "main", tmp_path / "linked"
    main.mkdir()
    git(main, "init", "-q")
    write(main, "app/lib.py")
    write(main, ".gitignore", text="lib.py\n")
    git(main, "add", "-f", ".")
    git(main, "commit", "-qm", "first")
    git(main, "worktree", "add", "-q", str(linked))
    assert names(linked) == {".gitignore", "app/lib.py"}


def test_an_index_that_cannot_be_read_tracks_nothing(tmp_path: Path) -> None:
    """A broken index is passed over: the ignore files alone decide."""
    write(tmp_path, "main.py", "build/x.py")
    write(tmp_path, ".gitignore", text="build/\n")
    for content in (b"", b"DIRC\0\0\0\2\0\0\0\7", b"DIRC\0\0\0\x09\0\0\0\0"):
        (tmp_path / ".git").mkdir(exist_ok=True)
        (tmp_path / ".git/index").write_bytes(content)
        assert names(tmp_path) == {".gitignore", "main.py"}


def test_the_state_folder_is_private_and_unseen_by_git(tmp_path: Path) -> None:
    """``.fastwright`` has mode 0700 and ignores itself."""
    state = Project(tmp_path).state
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / ".gitignore").read_text() == "*\n"


def test_a_state_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    """A repository cannot make us write to another folder by shipping a link."""
    write(tmp_path, "elsewhere/x", "tree/main.py")
    (tmp_path / "tree/.fastwright").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="not an ordinary folder"):
        _ = Project(tmp_path / "tree").state


def test_two_processes_do_not_interleave(tmp_path: Path) -> None:
    """While one holds the lock another is refused, by the holder's number; afterwards it is not."""
    state = Project(tmp_path).state
    with (
        locked(state),
        pytest.raises(Refused, match=f"process {os.getpid()}"),
        locked(state),
    ):
        pass
    with locked(state):
        pass


def test_consent_is_remembered(tmp_path: Path) -> None:
    """What was agreed to adds up, and can be withdrawn."""
    project = Project(tmp_path)
    assert consent.given(project) == frozenset()
    consent.record(project, consent.Consent.IMPORT)
    consent.record(project, consent.Consent.BUILD)
    assert consent.given(project) == {consent.Consent.IMPORT, consent.Consent.BUILD}
    consent.withdraw(project)
    assert consent.given(project) == frozenset()


def test_consent_does_not_travel(tmp_path: Path) -> None:
    """A record that came with a copy, or with a repository, is not believed."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    consent.record(Project(first), consent.Consent.IMPORT)
    forged = (Project(first).state / "consent.json").read_bytes()
    (Project(second).state / "consent.json").write_bytes(forged)
    assert consent.given(Project(second)) == frozenset()
    (Project(second).state / "consent.json").write_bytes(b"[]")
    assert consent.given(Project(second)) == frozenset()
