"""A server on loopback, in the app's process, that counts who fetches from it."""

from __future__ import annotations

import http.server
import sys
import threading
import types
from typing import Any

NAME = "fastwright_listening"


def listening(action: str) -> int:
    """``start`` gives the port, ``hits`` the requests so far, ``stop`` ends it."""
    state: Any = sys.modules.setdefault(NAME, types.ModuleType(NAME))
    if action == "start":
        state.hits = 0

        class Canary(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                state.hits += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"fastwright canary")

            do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - the names of the protocol

            def log_message(self, *args: Any) -> None:
                del args

        state.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Canary)
        threading.Thread(target=state.server.serve_forever, daemon=True).start()
        return int(state.server.server_address[1])
    if action == "stop":
        state.server.shutdown()
        sys.modules.pop(NAME, None)
    return int(state.hits)
