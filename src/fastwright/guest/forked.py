"""Call a function in a copy of this process, and have its answer."""

import json
import os
import traceback


def call(work):
    """What `work` returns, by way of JSON: ``{"value": …}``, or ``{"failed": text}``.

    The copy ends without leaving anything: no exit handler runs in it. The caller must have no
    second thread.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if not text:
        return {"failed": "the process ended with status {}".format(status)}
    return json.loads(text)


def _answer(work, writing):
    """Never returns."""
    try:
        answer = {"value": work()}
    except BaseException as error:
        traceback.print_exc()
        answer = {"failed": "{}: {}".format(type(error).__name__, error)}
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(answer, default=repr).encode())
    finally:
        os._exit(0)
