"""The zygote: warm once, then a fork for every boot and every job.

It must be single-threaded at the fork, since a thread's locks would be copied in whatever state
they are: a package that starts a thread when imported is left out, and the zygote starts over
without it. One JSON object a line, both ways:

    host → guest   {"to": n, "start": {"env", "cwd", "paths", "cold", "seconds"}}
                   {"to": n, "kill": true}            {"to": n, <a command, see job.py>}
    guest → host   {"from": 0, "ready": {…}}          {"from": n, <an answer>}
                   {"from": n, "died": {"code", "log"}}

The end of stdin ends the zygote and all children.
"""

import argparse
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback

from . import job

_TAIL = 8000


def main(arguments):
    """Parse the command line, warm up, serve until stdin ends."""
    parser = argparse.ArgumentParser(prog="guest")
    parser.add_argument("--warm", default="")
    parser.add_argument("--skip", default="")
    parser.add_argument("--job", type=int, default=-1)
    options = parser.parse_args(arguments)
    if options.job >= 0:
        return job.Job(socket.socket(fileno=options.job)).run()
    names = [name for name in options.warm.split(",") if name]
    skipped = [name for name in options.skip.split(",") if name]
    started = time.perf_counter()
    warm, failed = _warm(names, skipped)
    zygote = Zygote()
    zygote.tell(
        {
            "from": 0,
            "ready": {
                "python": sys.version.split()[0],
                "prefix": sys.prefix,
                "warm": warm,
                "failed": failed,
                "threaded": skipped,
                "seconds": time.perf_counter() - started,
            },
        }
    )
    return zygote.serve()


def thread_count():
    """Threads of this process as the kernel counts them (native ones too)."""
    try:
        return max(len(os.listdir("/proc/self/task")), threading.active_count())
    except OSError:
        return threading.active_count()


def _warm(names, skipped):
    warm, failed = [], {}
    for name in names:
        if name in skipped:
            continue
        try:
            importlib.import_module(name)
            warm.append(name)
        except BaseException as error:
            failed[name] = "{}: {}".format(type(error).__name__, error)
        if thread_count() > 1:
            _start_over(names, [*skipped, name])
    return warm, failed


def _start_over(names, skipped):
    """Become a fresh process that leaves the offending packages out; nothing was read yet."""
    here = os.path.dirname(os.path.abspath(__file__))
    os.execv(
        sys.executable,
        [sys.executable, here, "--warm", ",".join(names), "--skip", ",".join(skipped)],
    )


class Child:
    """One fork: its process, its channel, and the log that its stdout and stderr go to."""

    def __init__(self, number, pid, channel, log):
        self.number = number
        self.pid = pid
        self.channel = channel
        self.log = log
        self.buffer = b""

    def tail(self):
        """The end of what the child printed."""
        size = os.fstat(self.log).st_size
        return os.pread(self.log, _TAIL, max(0, size - _TAIL)).decode("utf-8", "replace")


class Zygote:
    """Routes lines between the host and the children; never runs any of the user's code."""

    def __init__(self):
        self._stdin, self._stdout = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.close(null)
        self._children = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdin, selectors.EVENT_READ, None)
        self._buffer = b""

    def tell(self, message):
        """One line to the host."""
        self._write(json.dumps(message).encode() + b"\n")

    def _write(self, line):
        view = memoryview(line)
        while view:
            view = view[os.write(self._stdout, view) :]

    def serve(self):
        """Until stdin ends; then no child is left."""
        while True:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._hear_child(key.data)
                elif not self._hear_host():
                    for child in list(self._children.values()):
                        self._bury(child, kill=True)
                    return

    def _hear_host(self):
        received = os.read(self._stdin, 1 << 16)
        if not received:
            return False
        *lines, self._buffer = (self._buffer + received).split(b"\n")
        for line in lines:
            self._route(json.loads(line), line)
        return True

    def _route(self, message, line):
        child = self._children.get(message["to"])
        if "start" in message:
            self._fork(message["to"], message["start"])
        elif child is None:
            self.tell({"from": message["to"], "died": {"code": None, "log": "no such child"}})
        elif message.get("kill"):
            self._bury(child, kill=True)
        else:
            self._pass_on(child, line)

    def _pass_on(self, child, line):
        try:
            child.channel.sendall(line + b"\n")
        except OSError:
            self._bury(child, kill=True)

    def _hear_child(self, child):
        if child.number not in self._children:
            return  # buried a moment ago, in the same round of events
        try:
            received = child.channel.recv(1 << 16)
        except OSError:
            received = b""
        if not received:
            self._bury(child, kill=True)
            return
        *lines, child.buffer = (child.buffer + received).split(b"\n")
        for line in lines:
            self._write(b'{"from": %d, ' % child.number + line[1:] + b"\n")

    def _bury(self, child, kill):
        if kill:
            _end_group(child.pid)
        code = _reap(child.pid)
        self._selector.unregister(child.channel)
        child.channel.close()
        del self._children[child.number]
        self.tell({"from": child.number, "died": {"code": code, "log": child.tail()}})
        os.close(child.log)

    def _fork(self, number, start):
        ours, theirs = socket.socketpair()
        log = _log_file()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._become_child(ours, theirs, log, start)
        theirs.close()
        child = Child(number, pid, ours, log)
        self._children[number] = child
        self._selector.register(ours, selectors.EVENT_READ, child)

    def _become_child(self, ours, theirs, log, start):
        """Never returns: the fork leaves through ``os._exit``, so that nothing runs twice."""
        code = 1
        try:
            os.setpgid(0, 0)
            ours.close()
            self._close_inherited()
            os.dup2(log, 1)
            os.dup2(log, 2)
            if start.get("cold"):
                _exec_job(theirs, start)
            job.begin(start)
            code = job.Job(theirs).run()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _close_inherited(self):
        self._selector.close()
        os.close(self._stdin)
        os.close(self._stdout)
        for child in self._children.values():
            child.channel.close()
            os.close(child.log)


def _exec_job(channel, start):
    """A cold boot: a fresh interpreter, with the environment there from its first moment."""
    here = os.path.dirname(os.path.abspath(__file__))
    channel.set_inheritable(True)
    os.chdir(start.get("cwd") or ".")
    env = dict(os.environ, **(start.get("env") or {}))
    env["FASTWRIGHT_GUEST_PATHS"] = os.pathsep.join(start.get("paths") or ())
    os.execve(sys.executable, [sys.executable, here, "--job", str(channel.fileno())], env)


def _log_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("fastwright-log", 0)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _end_group(pid):
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _reap(pid):
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return None
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
