"""Output that its device does not take: a full disk, a quota, a stream that was closed."""

from __future__ import annotations

import errno
import sys

UNWRITTEN = 74
"""The exit code: ``EX_IOERR`` of sysexits.h. 2 would be wrong usage, and 1 findings."""

_OF_THE_DEVICE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def is_of_the_device(error: OSError) -> bool:
    """Whether the device took no more, which neither the person's command nor ours can help."""
    return error.errno in _OF_THE_DEVICE


def flush_output() -> None:
    """Hand over what was printed, so that whatever is wrong with its reader is told here.

    Raises:
        OSError: It cannot be written, or there is no standard output.
    """
    if sys.stdout is None:
        raise OSError(errno.EIO, "standard output is closed")
    sys.stdout.flush()
