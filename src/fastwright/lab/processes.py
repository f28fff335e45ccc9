"""Processes that fastwright started, from the outside: waited for, read and ended by their own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fastwright
from fastwright.model.errors import NotSandboxed

LONGEST_OUTPUT = 4 << 20
"""Bytes of each stream that a `Result` keeps: the end of it."""

_START_SECONDS = 60.0
_END_SECONDS = 10.0
_INSTALLED_IN = str(Path(fastwright.__file__).parent.parent)
_PROGRAM = (
    "import sys; sys.path.append(sys.argv[2]); from fastwright.lab.launcher import main; "
    "sys.exit(main(int(sys.argv[1])))"
)


@dataclass(frozen=True, slots=True)
class Result:
    """How one command ended.

    `code` is its exit code, negative for a signal; `out` and `err` are the ends of its streams;
    `seconds` is wall time, the sandbox included.
    """

    argv: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """The command ended by itself and said that all is well."""
        return self.code == 0 and not self.timed_out


class Process:
    """A command inside a sandbox, seen from outside.

    Killing it kills whatever it started. It ends by itself when fastwright does, however that ends.
    """

    def __init__(self, launcher: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self._launcher = launcher
        self._channel = channel
        self._reports = channel.makefile("rb")
        self._code: int | None = None
        self.enforced: tuple[str, ...] = ()

    @property
    def stdin(self) -> IO[bytes] | None:
        """The command's standard input, where a pipe was asked for."""
        return self._launcher.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """The command's standard output, where a pipe was asked for."""
        return self._launcher.stdout

    @property
    def pid(self) -> int:
        """The process that holds all others of this command, as seen from outside."""
        return self._launcher.pid

    def await_start(self) -> None:
        """Wait until the command runs, isolated.

        Raises:
            NotSandboxed: The kernel refused the isolation; nothing was run.
        """
        self._channel.settimeout(_START_SECONDS)
        report = self._report()
        self._channel.settimeout(None)
        if "enforced" in report:
            self.enforced = tuple(report["enforced"])
            return
        self.kill()
        raise NotSandboxed(
            "cannot run the app in a sandbox",
            report.get("refused", "the launcher did not start"),
            "allow unprivileged user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, "
            "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`), or pass `--unsandboxed`",
        )

    def _report(self) -> Mapping[str, Any]:
        try:
            line = self._reports.readline()
        except OSError:
            return {}
        report: Mapping[str, Any] = json.loads(line) if line else {}
        return report

    def wait(self, timeout: float | None = None) -> int:
        """The exit code of the command, negative for a signal, once it has ended.

        Raises:
            subprocess.TimeoutExpired: It has not ended after `timeout` seconds, and goes on.
        """
        self._launcher.wait(timeout)
        if self._code is None:
            self._code = int(self._report().get("exit", -9))
        return self._code

    @property
    def running(self) -> bool:
        """True until the command has ended."""
        return self._launcher.poll() is None

    def kill(self) -> None:
        """End the command and everything that it started, and wait until all of it is gone."""
        if self._reports.closed:
            return
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)  # the watcher kills process 1, and waits for it
        try:
            self._launcher.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._launcher.kill()
        self.wait()
        self._reports.close()
        self._channel.close()
        for stream in (self._launcher.stdin, self._launcher.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command's standard streams go: a file object, or one of `subprocess`'s constants."""

    stdin: IO[bytes] | int = subprocess.DEVNULL
    stdout: IO[bytes] | int = subprocess.DEVNULL
    stderr: IO[bytes] | int = subprocess.DEVNULL


def launch(order: Mapping[str, Any], streams: Streams) -> Process:
    """Start the launcher with an order (see `launcher`) and wait until the command runs.

    Raises:
        NotSandboxed: The kernel refused the isolation; nothing was run.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        launcher = subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", _PROGRAM, str(theirs.fileno()), _INSTALLED_IN),
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            env={"PATH": os.defpath},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # Ctrl-C reaches fastwright alone, which then ends the others
        )
    process = Process(launcher, ours)
    try:
        ours.sendall(json.dumps(order).encode() + b"\n")
        process.await_start()
    except BaseException:
        process.kill()
        raise
    return process


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that take a command's output; files, so that no reader can be waited for."""

    out: IO[bytes]
    err: IO[bytes]

    def ends(self) -> tuple[str, str]:
        """The last `LONGEST_OUTPUT` bytes of both, as text."""
        return _end(self.out), _end(self.err)


def _end(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LONGEST_OUTPUT))
    return file.read().decode("utf-8", "replace")


def run_to_end(
    process: Process, argv: Sequence[str], outputs: Outputs, timeout: float, started: float
) -> Result:
    """Wait for a command, at most `timeout` seconds, and leave nothing of it running."""
    timed_out = False
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        process.kill()
    out, err = outputs.ends()
    seconds = time.monotonic() - started
    return Result(tuple(argv), process.wait(), out, err, seconds, timed_out)
