"""Nothing of the person's is harmed: an app may try, and the machine around it does not notice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fastwright.lab.processes import Result
from fastwright.lab.world import World, WorldSpec
from fastwright.testing.environments import environment

REPOSITORY = Path(__file__).parents[2]
NOBODY = 65534
CLUSTERS = Path.home() / ".cache" / "fastwright" / "postgres"

PREAMBLE = """
import json, os, socket, sys
said = {}
def attempt(name, action):
    try:
        said[name] = action()
    except BaseException as error:
        said[name] = type(error).__name__
def reach(family, address):
    with socket.socket(family) as one:
        one.settimeout(2)
        one.connect(address)
        one.sendall(b"harm")
    return "reached"
"""


@pytest.fixture(scope="session")
def python() -> Path:
    """An interpreter with the newest packages, as a person's app would have."""
    return environment(REPOSITORY / "tests" / "locks" / "newest.txt")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A person's own tree."""
    folder = tmp_path / "work" / "shop"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("answer = 42\n")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with something to lose."""
    folder = tmp_path / "home"
    (folder / ".aws").mkdir(parents=True)
    (folder / ".aws" / "credentials").write_text("aws_secret_access_key = canary\n")
    monkeypatch.setenv("HOME", str(folder))
    return folder


def open_world(tree: Path, python: Path, env: Mapping[str, str] | None = None) -> World:
    """A world for a tree."""
    return World.open(WorldSpec(tree, python, env=env or {}, cache=CLUSTERS))


def attempts(body: str) -> str:
    """A program that tries things and says, as JSON, what came of each."""
    return f"{PREAMBLE}\n{textwrap.dedent(body)}\nprint(json.dumps(said))\n"


def said(result: Result) -> dict[str, object]:
    """What the program of `attempts` said."""
    assert result.ok, result.err
    found: dict[str, object] = json.loads(result.out.splitlines()[-1])
    return found


def listening(family: socket.AddressFamily, address: object) -> socket.socket:
    """A listener outside that would notice a caller."""
    listener = socket.socket(family)
    listener.bind(address)  # type: ignore[arg-type]
    listener.listen()
    listener.setblocking(False)
    return listener


def callers(listener: socket.socket) -> int:
    """How many have called."""
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_no_listener_of_the_machine_is_reached(tree: Path, python: Path, tmp_path: Path) -> None:
    """TCP, file-system and abstract sockets that answer outside are silent for the app."""
    abstract = f"\0fastwright-harm-{os.getpid()}"
    path = str(tmp_path / "docker.sock")
    with ExitStack() as stack:
        tcp = stack.enter_context(closing(listening(socket.AF_INET, ("127.0.0.1", 0))))
        unix = stack.enter_context(closing(listening(socket.AF_UNIX, path)))
        name = stack.enter_context(closing(listening(socket.AF_UNIX, abstract)))
        program = attempts(f"""
            attempt("tcp", lambda: reach(socket.AF_INET, ("127.0.0.1", {tcp.getsockname()[1]})))
            attempt("file", lambda: reach(socket.AF_UNIX, {path!r}))
            attempt("abstract", lambda: reach(socket.AF_UNIX, {abstract!r}))
        """)
        outside = subprocess.run([python, "-c", program], capture_output=True, check=True)
        assert set(json.loads(outside.stdout).values()) == {"reached"}
        assert [callers(one) for one in (tcp, unix, name)] == [1, 1, 1]
        with open_world(tree, python) as world:
            inside = said(world.run(["python", "-c", program]))
        assert inside == {
            "tcp": "ConnectionRefusedError",
            "file": "FileNotFoundError",
            "abstract": "ConnectionRefusedError",
        }
        assert [callers(one) for one in (tcp, unix, name)] == [0, 0, 0]


def test_production_in_the_settings_is_not_production_inside(tree: Path, python: Path) -> None:
    """Settings that name a live server lead to the scratch one, and the live one hears nothing."""
    with closing(listening(socket.AF_INET, ("127.0.0.1", 0))) as production:
        url = f"postgresql://shop:secret@127.0.0.1:{production.getsockname()[1]}/shop"
        program = attempts(f"""
            import psycopg
            attempt("who", lambda: psycopg.connect({url!r}).execute(
                "select current_user || '@' || current_database()").fetchone()[0])
        """)
        with open_world(tree, python, {"DATABASE_URL": url}) as world:
            assert said(world.run(["python", "-c", program])) == {"who": "shop@shop"}
        assert callers(production) == 0


def test_an_absolute_sqlite_file_is_neither_read_nor_written(
    tree: Path, python: Path, tmp_path: Path
) -> None:
    """The app finds an empty database where its settings say, and the real one keeps its bytes."""
    file = tmp_path / "production" / "app.db"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as real:
        real.execute("create table customers (name text)")
        real.commit()
    before = (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_atime_ns)
    program = attempts(f"""
        import sqlite3
        one = sqlite3.connect({str(file)!r})
        attempt("tables", lambda: one.execute("select count(*) from sqlite_master").fetchone()[0])
        attempt("write", lambda: (one.execute("create table harm (x)"), one.commit()) and "written")
        attempt("beside", lambda: os.listdir({str(file.parent)!r}))
    """)
    with open_world(tree, python, {"DATABASE_URL": f"sqlite:///{file}"}) as world:
        found = said(world.run(["python", "-c", program]))
        again = said(world.run(["python", "-c", program]))
    assert found == {"tables": 0, "write": "written", "beside": ["app.db"]}
    assert again["tables"] == 1, "what the app wrote is there for its next command"
    assert (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_atime_ns) == before


def test_the_home_and_the_environment_keep_their_secrets(
    tree: Path, python: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloud credentials, keys in the environment and the machine's accounts are out of sight."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    program = attempts(f"""
        attempt("aws", lambda: open({str(home / ".aws/credentials")!r}).read())
        attempt("tilde", lambda: open(os.path.expanduser("~/.aws/credentials")).read())
        attempt("home", lambda: os.listdir(os.path.expanduser("~")))
        attempt("key", lambda: os.environ.get("OPENAI_API_KEY"))
        attempt("shadow", lambda: open("/etc/shadow").read())
        attempt("parent", lambda: open("/proc/1/environ").read())
    """)
    with open_world(tree, python) as world:
        found = said(world.run(["python", "-c", program]))
    assert found == {
        "aws": "FileNotFoundError",
        "tilde": "FileNotFoundError",
        "home": [],
        "key": None,
        "shadow": "FileNotFoundError",
        "parent": "PermissionError",
    }


def test_the_tree_the_interpreter_and_the_kernel_are_not_written(tree: Path, python: Path) -> None:
    """An app that destroys what it can reach has destroyed a copy."""
    program = attempts("""
        import fastapi, shutil
        attempt("package", lambda: open(fastapi.__file__, "a"))
        attempt("site", lambda: open(os.path.join(os.path.dirname(fastapi.__file__), "x"), "w"))
        attempt("kernel", lambda: open("/proc/sys/kernel/core_pattern", "r+"))
        attempt("system", lambda: open("/usr/bin/harm", "w"))
        attempt("source", lambda: shutil.rmtree(".", ignore_errors=True))
        attempt("left", lambda: os.listdir("."))
    """)
    with open_world(tree, python) as world:
        found = said(world.run(["python", "-c", program]))
        assert not (world.copy / "main.py").exists()
    refused = {"package", "site", "kernel", "system"}
    assert {name: found[name] for name in refused} == dict.fromkeys(refused, "OSError")
    assert found["left"] == []
    assert (tree / "main.py").read_text() == "answer = 42\n"


def test_other_processes_are_neither_seen_nor_signalled(tree: Path, python: Path) -> None:
    """A process of the same user outside lives on, and is on no list inside."""
    program = attempts("""
        import signal
        attempt("seen", lambda: sorted(int(n) for n in os.listdir("/proc") if n.isdecimal()))
        attempt("all", lambda: os.kill(-1, signal.SIGKILL))
        attempt("outside", lambda: os.kill(VICTIM, 0))
    """)
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with open_world(tree, python) as world:
            argv = ["python", "-c", program.replace("VICTIM", str(victim.pid))]
            found = said(world.run(argv))
        assert found["seen"] == [1, 2]
        assert found["outside"] == "ProcessLookupError"
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_no_way_out_through_the_kernel(tree: Path, python: Path) -> None:
    """Mounts, further namespaces, the key store, and sockets past the network are refused."""
    program = attempts("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def call(function, *arguments):
            return "refused" if function(*arguments) < 0 else "done"
        attempt("mount", lambda: call(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None))
        attempt("user namespace", lambda: call(libc.unshare, 0x10000000))
        attempt("network namespace", lambda: call(libc.unshare, 0x40000000))
        attempt("chroot", lambda: call(libc.chroot, b"/tmp"))
        attempt("hypervisor", lambda: socket.socket(40, socket.SOCK_STREAM) and "done")
        attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) and "done")
    """)
    with open_world(tree, python) as world:
        found = said(world.run(["python", "-c", program]))
    expected = dict.fromkeys(("mount", "user namespace", "network namespace", "chroot"), "refused")
    assert found == expected | {"hypervisor": "PermissionError", "raw": "PermissionError"}


@pytest.fixture
def owner(tree: Path, python: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another fastwright, with a world, a server and a running app in it."""
    program = f"""
import time
from pathlib import Path
from fastwright.lab.world import World, WorldSpec
spec = WorldSpec(Path({str(tree)!r}), Path({str(python)!r}), scratch=Path({str(tmp_path / "s")!r}),
                 cache=Path({str(CLUSTERS)!r}), env={{"DATABASE_URL": "postgresql://a@db/shop"}})
world = World.open(spec)
world.start(("sh", "-c", "setsid sleep 1000 & (sleep 1000 &) ; sleep 1000"))
time.sleep(0.5)
print("ready", flush=True)
time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_fastwright_leaves_no_process_and_no_scratch(
    owner: subprocess.Popen[bytes], tree: Path, python: Path, tmp_path: Path
) -> None:
    """After SIGKILL all that it started ends by itself; its scratch goes with the next start."""
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"
    started = descendants(owner.pid)
    assert len(started) > 10, "the launchers, the server's processes and the sleepers"
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(map(lives, started)):
        time.sleep(0.02)
    assert [one for one in started if lives(one)] == []
    (abandoned,) = (tmp_path / "s").iterdir()
    World.open(WorldSpec(tree, python, scratch=tmp_path / "s")).close()
    assert not abandoned.exists()


def test_an_interrupted_fastwright_leaves_nothing_at_all(tree: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a command ends the command and removes the scratch folder."""
    program = f"""
from pathlib import Path
from fastwright.lab.world import World, WorldSpec
spec = WorldSpec(Path({str(tree)!r}), scratch=Path({str(tmp_path / "s")!r}))
with World.open(spec) as world:
    print("ready", flush=True)
    world.run(("sh", "-c", "sleep 1000 & sleep 1000"), timeout=1000)
"""
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        deadline = time.monotonic() + 10
        while len(started := descendants(process.pid)) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == -signal.SIGINT
    assert len(started) == 5, "watcher, keeper, shell and two sleepers"
    assert [one for one in started if lives(one)] == []
    assert list((tmp_path / "s").iterdir()) == []


def descendants(pid: int) -> list[tuple[int, str]]:
    """Every process below `pid`, each with when it started."""
    below = [pid]
    stats = dict(filter(None, map(stat, Path("/proc").iterdir())))
    for parent in below:
        below += [child for child, fields in stats.items() if int(fields[1]) == parent]
    return [(child, stats[child][19]) for child in below[1:]]


def stat(folder: Path) -> tuple[int, list[str]] | None:
    """A process's number, and the fields of its ``stat`` after the name."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(folder.name), fields) if folder.name.isdecimal() else None


def lives(process: tuple[int, str]) -> bool:
    """Whether the same process is still there; one that waits to be reaped is not."""
    found = stat(Path("/proc", str(process[0])))
    return found is not None and found[1][19] == process[1] and found[1][0] != "Z"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try as somebody else")
def test_an_ordinary_user_is_as_safe() -> None:
    """The same isolation holds for a user without any privilege."""
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no interpreter that an ordinary user may run")
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tree").mkdir()
        # The repository itself may stand where others may not read.
        shutil.copytree(REPOSITORY / "src", folder / "src")
        for each in (folder, folder / "tree"):
            os.chown(each, NOBODY, NOBODY)
        ran = run_as_nobody(folder)
    assert ran.returncode == 0, ran.stderr
    assert "own loopback only" in ran.stdout
    assert "1000 ['bin'" in ran.stdout


def run_as_nobody(folder: Path) -> subprocess.CompletedProcess[str]:
    """A fastwright of an ordinary user, in a folder of their own."""
    program = f"""
from pathlib import Path
from fastwright.lab.world import World, WorldSpec
spec = WorldSpec(Path({str(folder / "tree")!r}), Path("/usr/bin/python3"),
                 scratch=Path({str(folder / "scratch")!r}))
with World.open(spec) as world:
    print(world.enforced[:3])
    print(world.run(("python", "-c", "import os; print(os.getuid(), sorted(os.listdir('/')))")).out)
"""
    env = {"PYTHONPATH": str(folder / "src"), "HOME": str(folder), "PATH": os.defpath}
    return subprocess.run(
        ["/usr/bin/python3", "-B", "-c", program],
        env=env,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
