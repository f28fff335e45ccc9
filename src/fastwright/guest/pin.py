"""Hold still what differs from run to run: the time, UUIDs and random numbers.

The time stands at one moment near the real one, so that tokens stay good. What an app takes from
elsewhere (``os.urandom``, a default of the database) is not held; the control run tells of it.
"""

import datetime as dt
import os
import random
import sys
import time
import types
import uuid

from . import naming


class Pins:
    """Pins for one app; `at` is the moment in seconds since 1970."""

    def __init__(self, at):
        self._at = at
        self._count = 0
        self._real_time = time.time
        self._clock = _pinned_datetime(at)

    def install(self, root):
        """Pin everything that the project's modules hold by now."""
        uuid.os = _like(os, urandom=self.urandom)  # whoever holds `uuid4` already is held too
        for module in naming.project_modules(root).values():
            for name, value in list(vars(module).items()):
                instead = self._instead_of(value)
                if instead is not None:
                    setattr(module, name, instead)

    def rewind(self):
        """Start the random numbers and UUIDs anew: before each request."""
        random.seed(20260101)
        self._count = 0
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            numpy.random.seed(20260101)

    def urandom(self, size):
        """The next of a fixed row of bytes, for UUIDs alone."""
        self._count += 1
        return (b"\xf5\x70" + self._count.to_bytes(14, "big"))[:size].ljust(size, b"\0")

    def time(self):
        """The pinned moment."""
        return self._at

    def _instead_of(self, value):
        if value is dt.datetime:
            return self._clock
        if value is dt:
            return _like(dt, datetime=self._clock)
        if value is time:
            return _like(time, time=self.time)
        return self.time if value is self._real_time else None


def _like(module, **instead):
    """A module that answers as `module` does, but for some names."""
    copy = types.ModuleType(module.__name__)
    copy.__dict__.update(vars(module))
    copy.__dict__.update(instead)
    return copy


def _pinned_datetime(at):
    class Meta(type):
        def __instancecheck__(cls, thing):
            return isinstance(thing, dt.datetime)

        def __subclasscheck__(cls, other):
            return issubclass(other, dt.datetime)

    class Pinned(dt.datetime, metaclass=Meta):
        """``datetime`` whose now is always the same; its values are ordinary ones."""

        def __new__(cls, *arguments, **named):
            return dt.datetime(*arguments, **named)

        @classmethod
        def now(cls, tz=None):
            return dt.datetime.fromtimestamp(at, tz)

        @classmethod
        def today(cls):
            return dt.datetime.fromtimestamp(at)

        @classmethod
        def utcnow(cls):
            return dt.datetime.fromtimestamp(at, dt.timezone.utc).replace(tzinfo=None)

    return Pinned
