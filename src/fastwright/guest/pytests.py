"""Run the user's own tests in this process and tell each outcome as it happens."""

import functools
import gc
import importlib.util
import os
import sys

# A plugin that was loaded before pytest looked for it keeps its assertions as they are; a project
# that turns warnings into errors is not to fail for that.
_LOADED_BEFORE = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def run(arguments, tell):
    """``pytest.main(arguments)``; returns its exit code.

    Args:
        arguments: As on pytest's command line.
        tell: Called with ``{"nodeid", "outcome", "kind", "message", "seconds"}`` for each test:
            outcome ``passed``, ``failed``, ``error``, ``skipped``, ``xfailed`` or ``xpassed``;
            kind ``assertion`` or ``error`` where it failed, ``collect`` where it could not start.
    """
    import pytest

    # What was loaded before the fork is no garbage: it lives as long as the process.
    gc.freeze()
    arguments = [*arguments, *_LOADED_BEFORE, *plain_options()]
    sys.argv = ["pytest", *arguments]
    return int(pytest.main(arguments, plugins=[make_teller(tell)]))


def plain_options():
    """In one process, and without measuring coverage, whatever the project's own options say."""
    options = []
    if importlib.util.find_spec("xdist") is not None:
        options.append("-n0")
    if importlib.util.find_spec("pytest_cov") is not None:
        options.append("--no-cov")
    return options


def make_teller(tell):
    """A pytest plugin that passes outcomes on."""
    import pytest

    class Teller:
        """One a run; a test's set-up, call and tear-down make one outcome."""

        def pytest_configure(self, config):
            self._spent = {}
            self._told = set()
            root = str(getattr(config, "rootpath", None) or config.rootdir)
            self._named = functools.partial(named, root, os.getcwd())  # a test may change it

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(self, item, call):
            outcome = yield
            report = outcome.get_result()
            if call.excinfo is not None:
                report.fastwright_kind = kind_of(call.excinfo.type)

        def pytest_runtest_logreport(self, report):
            spent = self._spent.get(report.nodeid, 0.0) + report.duration
            self._spent[report.nodeid] = spent
            event = outcome_of(report)
            if event and (report.when == "teardown" or report.nodeid not in self._told):
                self._told.add(report.nodeid)
                tell(dict(event, nodeid=self._named(report.nodeid), seconds=spent))

        def pytest_collectreport(self, report):
            if report.failed:
                tell(
                    {
                        "nodeid": self._named(report.nodeid),
                        "outcome": "error",
                        "kind": "collect",
                        "message": _message(report),
                        "seconds": 0.0,
                    }
                )

    return Teller()


def named(root, here, nodeid):
    """A test as it is selected in `here`; pytest names it from `root`, which may be above."""
    path, colons, test = nodeid.partition("::")
    place = os.path.relpath(os.path.join(root, path), here) if path else ""
    return place.replace(os.sep, "/") + colons + test


def kind_of(error_type):
    """``assertion`` for a failed assertion or ``pytest.fail``, else ``error``."""
    names = {cls.__name__ for cls in error_type.__mro__}
    return "assertion" if names & {"AssertionError", "Failed"} else "error"


def outcome_of(report):
    """What a phase's report decides, None where it decides nothing."""
    expected = hasattr(report, "wasxfail")
    if report.when == "call" and report.passed:
        return {"outcome": "xpassed" if expected else "passed", "kind": "", "message": ""}
    if report.skipped:
        outcome = "xfailed" if expected else "skipped"
        return {"outcome": outcome, "kind": "", "message": _message(report)}
    if not report.failed:
        return None
    return {
        "outcome": "failed" if report.when == "call" else "error",
        "kind": getattr(report, "fastwright_kind", "error"),
        "message": _message(report),
    }


def _message(report):
    crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
    if crash is not None:
        return str(crash.message)[:2000]
    longrepr = getattr(report, "longrepr", None)
    if isinstance(longrepr, tuple):
        return str(longrepr[-1])[:2000]
    return str(longrepr or "")[-2000:]
