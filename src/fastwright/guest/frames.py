"""Where the user's own code stands at this moment: its frames, innermost first.

A frame is ``[path below the root, line, column, end line, end column, function]``; lines count from
1, columns are UTF-8 bytes from 0. Below Python 3.11 only the line is known, and the rest is None.
"""

import functools
import os
import sys

_DEEPEST = 16


class Frames:
    """Tells frames of the project at `root` from all others."""

    def __init__(self, root):
        self._root = os.path.join(os.path.realpath(root), "")
        self._known = {}

    def stack(self):
        """The project's frames of whoever calls, across the greenlets of an async session."""
        return self._stack(_frames())

    def _stack(self, every):
        found = []
        for frame in every:
            path = self._path(frame.f_code.co_filename)
            if path is not None:
                found.append(_place(frame, path))
                if len(found) >= _DEEPEST:
                    break
        return found

    def first(self):
        """The innermost frame of the project, or None."""
        return self._first(_frames())

    def below(self, frame):
        """The project's frames from `frame` outwards, innermost first."""
        return self._stack(_outwards(frame))

    def _first(self, every):
        for frame in every:
            path = self._path(frame.f_code.co_filename)
            if path is not None:
                return _place(frame, path)
        return None

    def _path(self, file):
        if file not in self._known:
            self._known[file] = self._relative(file)
        return self._known[file]

    def _relative(self, file):
        real = os.path.realpath(file)
        if not real.startswith(self._root) or not os.path.isfile(real):
            return None
        path = real[len(self._root) :]
        parts = path.split(os.sep)
        return None if {"site-packages", ".venv", ".fastwright"} & set(parts) else path


def _outwards(frame):
    while frame is not None:
        yield frame
        frame = frame.f_back


def _frames():
    frame = sys._getframe(2)
    current = _current_greenlet()
    while True:
        yield from _outwards(frame)
        current = getattr(current, "parent", None)
        if current is None:
            return
        frame = current.gr_frame


def _current_greenlet():
    module = sys.modules.get("greenlet")
    return module.getcurrent() if module is not None else None


def _place(frame, path):
    code = frame.f_code
    name = getattr(code, "co_qualname", code.co_name)
    position = _position(code, frame.f_lasti // 2) if hasattr(code, "co_positions") else None
    if position is None or None in position:
        return [path, frame.f_lineno, None, None, None, name]
    line, end_line, column, end_column = position
    return [path, line, column, end_line, end_column, name]


@functools.lru_cache(maxsize=4096)
def _position(code, wanted):
    """The span of the call that instruction `wanted` of `code` belongs to."""
    for number, position in enumerate(code.co_positions()):
        if number == wanted:
            return position
    return None
