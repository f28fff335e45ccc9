"""How many findings are right on apps that nobody tuned for, as those say who have read them.

``python benchmarks/graded.py --draw DIR --sheet FILE`` reviews every project in DIR and draws at
random what is to be read: of each rule and app two lines as they are told (a habit is one), also of
rules that are told on request only (such a row is ``held``). Someone
reads them with the source open, and grades each ``right``, ``useless`` (true, and nobody would
change the code for it) or ``false``. A sheet that is kept says of what is right the rule alone, and
a key that only a review of the app gives: weaknesses of other people's apps are not listed here.

``python benchmarks/graded.py`` reviews the apps of ``graded/*.json`` again, and prints for every
rule the grades as drawn, and of each how many are told today. The rate as drawn is the honest one:
that of today is of apps that have been seen since. A rule that tells two lines of an app weighs as
much in it as one that tells twenty; so each finding keeps for how many lines it stands.
``--record`` writes of each rule how many of the latest were right: what its word is worth.
``--fetch`` clones the apps first, ``--apps DIR`` is where they lie, in folders called
``<name>-<owner>``. Exit code 1 where more than 5 % of what is told today is wrong, 2 where apps are
not at hand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faults import KEPT, clone, folder

from fastwright.model.finding import Severity
from fastwright.review.engine import HABIT

HERE = Path(__file__).parent
RECORD = HERE.parent / "src" / "fastwright" / "review" / "record.json"
GRADES = ("right", "useless", "false")
MOST_WRONG = 0.05
Row = Mapping[str, Any]
"""One finding: its rule and key, its grade, and where it is told of what."""


def told(root: Path) -> list[Row]:
    """What a review of the project at `root` is sure of, or would be but for its rule's record."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "review.json"
        words = ("review", str(root), "--possible", "--format", "json", "--fail-on", "never",
                 "-O", str(output))  # fmt: skip
        command = (sys.executable, "-m", "fastwright", *words)
        ended = subprocess.run(command, check=False, capture_output=True)
        if not output.exists():
            print(f"{root.name}: no review, exit {ended.returncode}", file=sys.stderr)
            return []
        objections = json.loads(output.read_text())["objections"]
    return [
        {
            "rule": one["finding"]["rule"],
            "key": key(root, one),
            "path": one["path"],
            "line": one["at"]["line"],
            "message": one["finding"]["message"],
            "severity": one["severity"],
            "held": held,
        }
        for one in objections
        for held in (any("record" in dict(e["values"]) for e in one["finding"]["evidence"]),)
        if held or one["grade"] != "possible"
    ]


def key(root: Path, objection: Mapping[str, Any]) -> str:
    """What a finding of the project at `root` is known by, also when lines have moved."""
    words = (root.name, objection["path"], objection["fingerprint"])
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def drawn(apps: Sequence[Path], dice: random.Random, each: int = 2) -> Iterator[Row]:
    """Findings to be graded: at most `each` of a rule and app, one where they are a habit."""
    for root in apps:
        by_rule: dict[str, list[Row]] = defaultdict(list)
        for row in told(root):
            by_rule[row["rule"]].append(row)
        for rows in by_rule.values():
            mild = rows[0]["severity"] != Severity.HIGH
            lines = 1 if mild and len(rows) >= HABIT else len(rows)
            count = min(each, lines)
            for row in dice.sample(rows, count):
                yield {"app": root.name, **row, "for": lines / count, "verdict": "", "why": ""}


def sheets() -> list[Mapping[str, Any]]:
    """What has been graded: each sheet with its apps, and the commit of each."""
    pages = sorted((HERE / "graded").glob("*.json"), key=lambda page: (len(page.stem), page.stem))
    return [json.loads(page.read_text()) for page in pages]


def today(graded: Sequence[Mapping[str, Any]], apps: Path) -> list[Row]:
    """The graded findings that are told today."""
    names = (app for sheet in graded for app in sheet["apps"])
    rows = (row for app in names for row in told(folder(app, apps)))
    known = {row["key"] for row in rows if not row["held"]}
    return [row for sheet in graded for row in sheet["findings"] if row["key"] in known]


def latest(graded: Sequence[Mapping[str, Any]], least: int = 60) -> Mapping[str, tuple[int, int]]:
    """Of each rule how many were right of how many, in its newest sheets that hold `least`."""
    found: dict[str, tuple[int, int]] = {}
    for sheet in reversed(graded):
        for rule, grades in counted(sheet["findings"]).items():
            right, read = found.get(rule, (0, 0))
            if rule and read < least:
                found[rule] = (right + grades["right"], read + grades.total())
    return dict(sorted(found.items()))


def counted(rows: Iterable[Row]) -> Mapping[str, Counter[str]]:
    """How often each grade was given, by rule; under ``""`` of all."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["rule"]][row["verdict"]] += 1
        found[""][row["verdict"]] += 1
    return found


def wrong(grades: Counter[str]) -> float:
    """The part that is useless or false."""
    return 1 - grades["right"] / grades.total() if grades else 0.0


def as_met(rows: Sequence[Row]) -> float:
    """The part of all told lines that is wrong, by what each drawn finding stands for."""
    known = [row for row in rows if "for" in row]
    part = sum(row["for"] for row in known if row["verdict"] != "right")
    return part / sum(row["for"] for row in known) if known else 0.0


def summary(rows: Sequence[Row]) -> str:
    """What part of a sheet is wrong, and of what its rules would have told but for their record."""
    said = [row for row in rows if not row.get("held")]
    held = [row for row in rows if row.get("held")]
    words = f"wrong were {_rate(said)} drawn"
    if "for" in rows[0]:
        words += f", {as_met(said):.1%} of the lines that they stand for"
    return f"{words}; {_rate(held)} on request" if held else words


def _rate(rows: Sequence[Row]) -> str:
    return f"{wrong(Counter(row['verdict'] for row in rows)):.1%} of {len(rows)}"


def print_table(before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> None:
    """A row a rule, those with the most wrong first; then the totals."""
    print("| rule | as drawn: right, useless, false | wrong | told today | wrong |")
    print("|---|---|---|---|---|")
    order = sorted(filter(None, before), key=lambda rule: (-wrong(before[rule]), rule))
    for rule in (*order, ""):
        old, new = before[rule], after.get(rule, Counter())
        cells = (", ".join(str(grades[g]) for g in GRADES) for grades in (old, new))
        was, now = cells
        print(f"| {rule or 'all'} | {was} | {wrong(old):.1%} | {now} | {wrong(new):.1%} |")


def main() -> int:
    """Draw a sheet, or print the table of those that are graded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="review the projects in DIR")
    parser.add_argument("--sheet", type=Path, help="where what was drawn is written")
    parser.add_argument("--seed", type=int, default=1, help="of the dice")
    parser.add_argument("--record", action="store_true", help="write what a rule's word is worth")
    parser.add_argument("--apps", type=Path, default=KEPT, help="folders of graded apps")
    parser.add_argument("--fetch", action="store_true", help="clone the graded apps first")
    given = parser.parse_args()
    if given.draw:
        roots = sorted(path for path in given.draw.iterdir() if path.is_dir())
        rows = list(drawn(roots, random.Random(given.seed)))
        text = json.dumps(rows, indent=1, ensure_ascii=False)
        (given.sheet.write_text if given.sheet else print)(text)
        return 0
    graded = sheets()
    if given.record:
        lines = (f'  "{rule}": [{right}, {read}]' for rule, (right, read) in latest(graded).items())
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
        return 0
    commits = {app: commit for sheet in graded for app, commit in sheet["apps"].items()}
    if given.fetch:
        clone(commits, given.apps)
    missing = [app for app in commits if not folder(app, given.apps).exists()]
    if missing:
        print(f"not in {given.apps}: {', '.join(missing)}; `--fetch` clones them", file=sys.stderr)
        return 2
    after = counted(today(graded, given.apps))
    print_table(counted(row for sheet in graded for row in sheet["findings"]), after)
    for sheet in graded:
        print(f"{sheet['drawn']}, {len(sheet['apps'])} apps: {summary(sheet['findings'])}")
    return int(wrong(after.get("", Counter())) > MOST_WRONG)


if __name__ == "__main__":
    sys.exit(main())
