"""What the guest tells of an exception of the app's."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastwright.guest import failure
from fastwright.lab.boot_failure import failed


@pytest.mark.parametrize(
    ("error", "package"),
    [
        (ModuleNotFoundError("No module named 'greenlet'", name="greenlet"), "greenlet"),
        (
            ValueError(
                "the greenlet library is required to use this function. No module named 'greenlet'"
            ),
            "greenlet",
        ),
        (
            RuntimeError('Form data requires "python-multipart" to be installed. \nYou can ...'),
            "python-multipart",
        ),
        (
            ImportError("email-validator is not installed, run `pip install 'pydantic[email]'`"),
            "email-validator",
        ),
        (ValueError("the value is required"), ""),
    ],
)
def test_a_package_that_is_missing_is_named_whoever_misses_it(
    error: Exception, package: str, tmp_path: Path
) -> None:
    """The package is to be installed, and no variable is asked for, whatever error says so."""
    told = failed("main:app", failure.explain(error, str(tmp_path)), "create_all")
    assert told.missing_module == package
    assert (f"install what provides `{package}`" in told.do) is bool(package)
    assert not package or "--env" not in told.do
