"""One application of as many files as are wanted, made of the example's packages."""

from __future__ import annotations

import re
from pathlib import Path

_PACKAGE = Path(__file__).parents[1] / "examples" / "bookshop" / "bookshop"
_NAME = re.compile(rf"\b{_PACKAGE.name}\b")
_ROUTERS = re.compile(r"^from (\S+) import router as (\w+)$", re.MULTILINE)


def one_large_app(into: Path, count: int = 1000) -> Path:
    """Write packages ``shop_000`` … and the ``main.py`` that serves them all to `into`.

    Each is the example's package with its imports under its own name, and without its app; there
    are at least `count` Python files.
    """
    texts = {p.relative_to(_PACKAGE): p.read_text() for p in sorted(_PACKAGE.rglob("*.py"))}
    served = texts.pop(Path("main.py"))
    imports, routers = [], []
    for number in range(-(-count // len(texts))):
        name = f"shop_{number:03}"
        for path, text in texts.items():
            target = into / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_NAME.sub(name, text))
        for module, router in _ROUTERS.findall(served):
            imports.append(f"from {_NAME.sub(name, module)} import router as {name}_{router}")
            routers.append(f'app.include_router({name}_{router}, prefix="/{name}")')
    lines = ["from fastapi import FastAPI", *imports, "", "app = FastAPI()", *routers, ""]
    (into / "main.py").write_text("\n".join(lines))
    return into
