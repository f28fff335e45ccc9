"""Where the kernel refuses namespaces: a plain refusal, or, where accepted, the next best."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from fastwright.testing.environments import environment

REPOSITORY = Path(__file__).parents[2]

# A container's filter in three instructions: `unshare` returns EPERM, for this and every process
# that it starts.
WITHOUT_NAMESPACES = """
import ctypes, os, struct
number = {"x86_64": 272, "aarch64": 97}[os.uname().machine]
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
header = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
assert libc.prctl(22, 2, header, 0, 0) == 0
"""

PREAMBLE = """
import json
from pathlib import Path
from fastwright.lab.world import World, WorldSpec
from fastwright.model.errors import NotSandboxed
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with the newest packages."""
    return environment(REPOSITORY / "tests" / "locks" / "newest.txt")


def without_namespaces(program: str) -> dict[str, object]:
    """The JSON that a program prints last, in a process to which namespaces are refused."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_NAMESPACES + PREAMBLE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_without_consent_nothing_runs(tmp_path: Path) -> None:
    """The refusal says what was refused and what can be done; the scratch folder is gone."""
    (tmp_path / "tree").mkdir()
    found = without_namespaces(f"""
        scratch = Path({str(tmp_path / "s")!r})
        try:
            World.open(WorldSpec(Path({str(tmp_path / "tree")!r}), scratch=scratch))
        except NotSandboxed as refused:
            print(json.dumps({{"because": refused.because, "do": refused.do,
                               "left": len(list(scratch.iterdir()))}}))
    """)
    assert "unshare: Operation not permitted" in str(found["because"])
    assert "--unsandboxed" in str(found["do"])
    assert found["left"] == 0


def test_with_consent_the_servers_answer_and_the_machine_does_not(
    tmp_path: Path, python: Path
) -> None:
    """Settings lead to private servers; other ports, other sockets and other files are refused."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "credentials").write_text("canary")
    inside = """
        import json, os, socket, sys
        said = {}
        def attempt(name, action):
            try:
                said[name] = action()
            except BaseException as error:
                said[name] = type(error).__name__
        def ask():
            import psycopg
            with psycopg.connect(os.environ["DATABASE_URL"]) as one:
                return one.execute("select current_user || '@' || current_database()").fetchone()[0]
        def remember():
            import redis
            one = redis.Redis.from_url(os.environ["CACHE_URL"])
            one.set("a", "b")
            return one.get("a").decode()
        def sqlite():
            import sqlite3
            with sqlite3.connect(os.environ["FILE_URL"].removeprefix("sqlite:///")) as one:
                one.execute("create table t (x)")
            return "written"
        attempt("postgres", ask)
        attempt("redis", remember)
        attempt("sqlite", sqlite)
        attempt("tcp", lambda: socket.create_connection(("127.0.0.1", PORT), 2) and "reached")
        attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) and "open")
        attempt("unix", lambda: socket.socket(socket.AF_UNIX).connect(ABSTRACT[1:]) or "reached")
        attempt("loop", lambda: __import__("asyncio").run(__import__("asyncio").sleep(0, "runs")))
        attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect(ABSTRACT) or "reached")
        attempt("read", lambda: open(FILE).read())
        attempt("write", lambda: open(FILE, "w").write("x"))
        attempt("tree", lambda: open("made", "w").write("x") and os.getcwd())
        attempt("temporary", lambda: open(os.environ["TMPDIR"] + "/made", "w").write("x"))
        print(json.dumps(said))
    """
    abstract = f"\0fastwright-open-{os.getpid()}"
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as production,
        closing(socket.socket(socket.AF_UNIX)) as named,
    ):
        production.setblocking(False)
        named.bind(abstract)
        named.listen()
        program = textwrap.dedent(inside).replace("PORT", str(production.getsockname()[1]))
        program = program.replace("ABSTRACT", repr(abstract))
        program = program.replace("FILE)", f"{str(tmp_path / 'credentials')!r})")
        program = program.replace("FILE,", f"{str(tmp_path / 'credentials')!r},")
        found = without_namespaces(f"""
            env = {{
                "DATABASE_URL": "postgresql://shop:pw@db.internal/shop?sslmode=require",
                "CACHE_URL": "redis://cache:6380/0",
                "FILE_URL": "sqlite:////data/app.db",
            }}
            spec = WorldSpec(Path({str(tree)!r}), Path({str(python)!r}), env=env, unsandboxed=True)
            with World.open(spec) as world:
                result = world.run(["python", "-c", {program!r}])
                late = world.run(["sh", "-c", "setsid sleep 77 & sleep 77"], timeout=0.5)
                copied = (world.copy / "made").exists()
                missing = [str(one) for one in world.not_served]
            assert result.ok, result.err
            print(json.dumps(json.loads(result.out) | {{
                "enforced": world.enforced, "copied": copied, "missing": missing,
                "late": late.timed_out, "err": result.err}}))
        """)
        with pytest.raises(BlockingIOError):
            production.accept()
    assert found["postgres"] == "shop@shop", found
    assert (found["redis"], found["sqlite"]) == ("b", "written")
    assert found["loop"] == "runs"
    refused = {"tcp", "udp", "unix", "abstract", "read", "write"}
    assert {name: found[name] for name in refused} == dict.fromkeys(refused, "PermissionError")
    assert found["copied"]
    assert found["late"]
    assert "not enforced: namespaces (accepted by --unsandboxed)" in str(found["enforced"])
    assert not (tree / "made").exists()
    assert (tmp_path / "credentials").read_text() == "canary"


def test_nothing_is_left_running_without_a_process_namespace(tmp_path: Path) -> None:
    """Daemons end with their command, and with a fastwright that is killed."""
    (tmp_path / "tree").mkdir()
    nap = f"{70 + os.getpid() / 1e7:.7f}"
    program = f"""
        import os, signal, time
        spec = WorldSpec(Path({str(tmp_path / "tree")!r}), unsandboxed=True,
                         scratch=Path({str(tmp_path / "s")!r}))
        world = World.open(spec)
        world.run(["sh", "-c", "setsid sleep {nap} & (sleep {nap} &); sleep 0.1"])
        after = [p for p in os.listdir("/proc") if p.isdecimal() and "sleep" in comm(p)]
        world.start(["sh", "-c", "setsid sleep {nap} & (sleep {nap} &); sleep {nap}"])
        time.sleep(0.3)
        print(json.dumps({{"after": len(after)}}), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    named = f"""
def comm(pid):
    try:
        line = Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return ""
    return "sleep" if b"sleep\\0{nap}\\0" == line else ""
"""
    code = WITHOUT_NAMESPACES + PREAMBLE + named + textwrap.dedent(program)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert json.loads(ran.stdout) == {"after": 0}
    deadline = time.monotonic() + 8
    while sleeping(nap) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sleeping(nap) == []


def sleeping(nap: str) -> list[str]:
    """The processes that sleep for just that long."""
    wanted = f"sleep\0{nap}\0".encode()
    return [folder.name for folder in Path("/proc").iterdir() if wanted == command_line(folder)]


def command_line(folder: Path) -> bytes:
    """The command line of a process; empty for one that has gone."""
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""
