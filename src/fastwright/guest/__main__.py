"""Start the guest: ``python …/guest [--warm a,b,c]``; commands on stdin, answers on stdout.

The folder is not left on ``sys.path``: a user's own ``trace`` or ``tests`` must stay importable.
"""

import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_NAME = "fastwright_guest"


def _enter() -> None:
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    spec = importlib.util.spec_from_file_location(
        _NAME, os.path.join(_HERE, "__init__.py"), submodule_search_locations=[_HERE]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = package
    spec.loader.exec_module(package)
    importlib.import_module(_NAME + ".serve").main(sys.argv[1:])


if __name__ == "__main__":
    _enter()
