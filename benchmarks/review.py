"""How long a review takes, cold, warm and of changed lines, beside bandit and semgrep.

``python benchmarks/review.py PATH`` measures the project at PATH, a git repository, in copies of
it; without a path, one app of 1,000 files is made of the example's packages. All tools read the
same tree in the same run. bandit and semgrep are installed into a scratch environment where they
are not at hand; semgrep runs the two local rules of `LOCAL_RULES`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from many_files import one_large_app

FASTWRIGHT = (sys.executable, "-m", "fastwright", "review")
LOCAL_RULES = """\
rules:
  - id: sql-from-text
    languages: [python]
    severity: ERROR
    message: SQL is built from text
    pattern-either:
      - pattern: $S.execute(f"...")
      - pattern: $S.execute("..." + $X)
  - id: shell
    languages: [python]
    severity: ERROR
    message: a shell runs it
    pattern: subprocess.run(..., shell=True, ...)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured run: wall seconds, and what the tool said last."""

    what: str
    seconds: float
    note: str


def copied(path: Path, into: Path) -> Path:
    """A copy of a project that may be written to, without what others left in it."""
    unwanted = shutil.ignore_patterns(".git", ".venv", "node_modules", ".fastwright")
    return Path(shutil.copytree(path, into, ignore=unwanted, symlinks=True))


def commit(root: Path) -> None:
    """Make a repository of the tree, with one commit."""
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "gc.auto=0")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "all")):
        subprocess.run(("git", *words), cwd=root, check=True, capture_output=True)


def measured(what: str, command: tuple[str, ...], root: Path) -> Row:
    """One run of a command in `root`."""
    began = time.perf_counter()
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    lines = (ended.stdout.strip() or ended.stderr.strip() or "nothing").splitlines()
    return Row(what, seconds, f"{' '.join(lines[-1].split())[:70]} (exit {ended.returncode})")


def touch(root: Path) -> None:
    """Change one function of one file, as an edit would."""
    target = next(p for p in sorted(root.rglob("*.py")) if b"def " in p.read_bytes())
    text = target.read_text()
    target.write_text(text.replace("def ", "def changed_by_the_benchmark(): ...\n\n\ndef ", 1))


def found(name: str, scratch: Path) -> str | None:
    """The program `name`: at hand, else installed into a scratch environment."""
    here = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if here:
        return here
    if not (scratch / "bin" / "python").exists():
        venv.create(scratch, with_pip=True)
    install = (str(scratch / "bin" / "python"), "-m", "pip", "install", "-q", name)
    if subprocess.run(install, capture_output=True, check=False).returncode:
        return None
    return str(scratch / "bin" / name)


def ours(root: Path) -> list[Row]:
    """Reviews of the tree: the first, one of the same tree, and those of an edit."""
    rows = [measured("fastwright review, cold", FASTWRIGHT, root)]
    rows.append(measured("fastwright review, warm", FASTWRIGHT, root))
    rows.append(
        measured("fastwright review --diff HEAD, warm", (*FASTWRIGHT, "--diff", "HEAD"), root)
    )
    touch(root)
    again = (*FASTWRIGHT, "--diff", "HEAD")
    rows.append(measured("fastwright review --diff HEAD, one file edited", again, root))
    return rows


def theirs(root: Path, scratch: Path) -> list[Row]:
    """The same tree by bandit and by semgrep."""
    rows = []
    bandit, semgrep = found("bandit", scratch / "env"), found("semgrep", scratch / "env")
    if bandit:
        rows.append(measured("bandit", (bandit, "-q", "-r", ".", "-f", "txt"), root))
    if semgrep:
        rules = scratch / "rules.yaml"
        rules.write_text(LOCAL_RULES)
        command = (semgrep, "scan", "--quiet", "--metrics=off", "--config", str(rules), ".")
        rows.append(measured("semgrep, two local rules", command, root))
    return rows


def main() -> None:
    """Measure and print one row a run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("path", type=Path, nargs="?", help="a project; an app of 1,000 files else")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        root = scratch / "tree"
        copied(given.path, root) if given.path else one_large_app(root)
        commit(root)
        count = len(list(root.rglob("*.py")))
        print(f"{count} Python files of {given.path or 'an app made of the example'}")
        for row in (*theirs(root, scratch), *ours(root)):
            print(f"{row.what:48} {row.seconds:7.2f} s  {row.note}", flush=True)


if __name__ == "__main__":
    main()
