"""The settings class that a further setting joins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fastwright.model.app import AppMap, SettingsClass
from fastwright.source import layout
from fastwright.source.layout import text_of


def settings_class(app: AppMap) -> SettingsClass | None:
    """The class that the app can reach, with most fields.

    Where an instance may be of several classes, as where one is chosen for each environment, it is
    the one that they inherit from: a field of one of them would be missing in the others.
    """
    counts = Counter((s.attribute or "").rpartition(".")[0] for s in app.settings)
    reachable = [c for c in app.settings_classes if c.instance or c.getter]
    classes = reachable or list(app.settings_classes)
    bases = {c.name: _bases(app, c) for c in classes}
    roots = [c for c in classes if not any(_short(b.name) in bases[c.name] for b in classes)]
    return max(roots or classes, key=lambda c: counts[c.name], default=None)


def _bases(app: AppMap, settings: SettingsClass) -> Sequence[str]:
    """The class's bases as written, without their modules."""
    content = app.files[settings.span.path]
    node = layout.smallest(content, settings.span.start, settings.span.end, "class_definition")
    written = node.child_by_field_name("superclasses") if node is not None else None
    return [_short(text_of(base)) for base in written.named_children] if written else []


def _short(name: str) -> str:
    return name.rpartition(".")[2]
