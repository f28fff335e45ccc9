"""Two OpenAPI documents held against each other: what differs, and what breaks a client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_NARROWING = (
    "maxLength", "minLength", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum",
    "pattern", "format", "maxItems", "minItems", "multipleOf", "const",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of an operation: where, what, and whether it can break a client."""

    where: str
    what: str
    breaking: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a contract; references in it lead into `document`."""

    content: Mapping[str, Any]
    document: Mapping[str, Any]


def operations(contracts: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Operation]:
    """Every operation as ``METHOD /path``, of each document, by the path that it is mounted at."""
    return {
        f"{method.upper()} {mounted}{path}": Operation(_with_shared(item, method), document)
        for mounted, document in contracts.items()
        for path, item in (document.get("paths") or {}).items()
        for method in _METHODS
        if method in item
    }


def _with_shared(item: Mapping[str, Any], method: str) -> Mapping[str, Any]:
    shared = item.get("parameters", [])
    own = item[method]
    return {**own, "parameters": [*shared, *own.get("parameters", [])]} if shared else own


def differences(old: Operation, new: Operation) -> tuple[Difference, ...]:
    """Every difference between two versions of an operation that a client could notice."""
    compared = _Comparison(old.document, new.document)
    return tuple(
        dict.fromkeys(
            (
                *compared.parameters(old.content, new.content),
                *compared.bodies(old.content, new.content),
                *compared.responses(old.content, new.content),
                *_security(old.content, new.content),
            )
        )
    )


def _security(old: Schema, new: Schema) -> Iterator[Difference]:
    before, after = old.get("security") or [], new.get("security") or []
    if before != after:
        names = [" + ".join(sorted(each)) or "nothing" for each in after] or ["nothing"]
        yield Difference("security", f"now asks for {' or '.join(names)}", bool(after))


class _Comparison:
    """The walk over two documents at once; a pair of references is walked once a direction."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str, bool]] = set()

    def parameters(self, old: Schema, new: Schema) -> Iterator[Difference]:
        before, after = (
            {(p["in"], p["name"]): p for p in self._listed(side, document)}
            for side, document in ((old, self._old), (new, self._new))
        )
        for key in sorted({*before, *after}):
            where = f"{key[0]} parameter `{key[1]}`"
            if key not in after:
                yield Difference(where, "removed", breaking=False)
            elif key not in before:
                required = bool(after[key].get("required"))
                what = "new, required" if required else "new, optional"
                yield Difference(where, what, required)
            else:
                yield from self._inputs(where, before[key], after[key])

    def _listed(self, operation: Schema, document: Schema) -> Iterator[Schema]:
        return (_follow(each, document) for each in operation.get("parameters", []))

    def bodies(self, old: Schema, new: Schema) -> Iterator[Difference]:
        before = _follow(old.get("requestBody") or {}, self._old)
        after = _follow(new.get("requestBody") or {}, self._new)
        if before and not after:
            yield Difference("body", "removed", breaking=False)
        elif after and not before:
            required = bool(after.get("required"))
            yield Difference("body", "new, required" if required else "new, optional", required)
        elif before:
            yield from self._contents("body", before, after, is_input=True)

    def responses(self, old: Schema, new: Schema) -> Iterator[Difference]:
        before, after = old.get("responses", {}), new.get("responses", {})
        for status in sorted({*before, *after}):
            where = f"response {status}"
            if status not in after:
                yield Difference(where, "removed", breaking=status.startswith("2"))
            elif status not in before:
                yield Difference(where, "new", breaking=False)
            else:
                was = _follow(before[status], self._old)
                now = _follow(after[status], self._new)
                yield from self._contents(where, was, now, is_input=False)

    def _inputs(self, where: str, old: Schema, new: Schema) -> Iterator[Difference]:
        if new.get("required") and not old.get("required"):
            yield Difference(where, "now required", breaking=True)
        yield from self.schemas(where, old.get("schema", {}), new.get("schema", {}), is_input=True)

    def _contents(
        self, where: str, old: Schema, new: Schema, *, is_input: bool
    ) -> Iterator[Difference]:
        if is_input and new.get("required") and not old.get("required"):
            yield Difference(where, "now required", breaking=True)
        before, after = old.get("content") or {}, new.get("content") or {}
        for kind in sorted({*before, *after}):
            if kind not in after:
                yield Difference(where, f"no longer `{kind}`", breaking=True)
            elif kind not in before:
                yield Difference(where, f"also `{kind}`", breaking=False)
            else:
                was, now = before[kind].get("schema", {}), after[kind].get("schema", {})
                yield from self.schemas(where, was, now, is_input=is_input)

    def schemas(
        self, where: str, old: Schema, new: Schema, *, is_input: bool
    ) -> Iterator[Difference]:
        """What differs between two schemas; `is_input` decides which side is the narrower."""
        pair = (str(old.get("$ref")), str(new.get("$ref")), is_input)
        if "$ref" in old and "$ref" in new:
            if pair in self._seen:
                return
            self._seen.add(pair)
        was, now = _follow(old, self._old), _follow(new, self._new)
        yield from self._kinds(where, was, now, is_input=is_input)
        yield from self._fields(where, was, now, is_input=is_input)
        yield from _constraints(where, was, now, is_input=is_input)
        if "items" in was and "items" in now:
            yield from self.schemas(f"{where}[]", was["items"], now["items"], is_input=is_input)
        for name in ("anyOf", "oneOf", "allOf"):
            before, after = was.get(name, []), now.get(name, [])
            if len(before) == len(after):
                for left, right in zip(before, after, strict=True):
                    yield from self.schemas(where, left, right, is_input=is_input)

    def _kinds(
        self, where: str, old: Schema, new: Schema, *, is_input: bool
    ) -> Iterator[Difference]:
        before, after = _types(old, self._old), _types(new, self._new)
        if before != after:
            lost = (before - after) if is_input else (after - before)
            what = f"type {_or(before)} → {_or(after)}"
            yield Difference(where, what, bool(lost and before and after) or not before)

    def _fields(
        self, where: str, old: Schema, new: Schema, *, is_input: bool
    ) -> Iterator[Difference]:
        before, after = old.get("properties", {}), new.get("properties", {})
        must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted({*before, *after}):
            here = f"{where}.{name}"
            if name not in after:
                yield Difference(here, "removed", breaking=not is_input)
            elif name not in before:
                demanded = is_input and name in must_after
                yield Difference(here, "new, required" if demanded else "new", demanded)
            else:
                if (name in must_before) != (name in must_after):
                    is_required = name in must_after
                    what = "now required" if is_required else "no longer required"
                    yield Difference(here, what, is_required is is_input)
                yield from self.schemas(here, before[name], after[name], is_input=is_input)


def _follow(schema: Schema, document: Schema) -> Schema:
    """What a reference leads to; the schema itself where it is none, or leads nowhere."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    found: Any = document
    for part in reference[2:].split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
    return found if isinstance(found, Mapping) else schema


def _types(schema: Schema, document: Schema) -> frozenset[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, list):
        return frozenset(kind)
    members = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    direct = [_follow(each, document) for each in members]
    return frozenset(t for each in direct if isinstance(t := each.get("type"), str))


def _constraints(where: str, old: Schema, new: Schema, *, is_input: bool) -> Iterator[Difference]:
    for name in _NARROWING:
        if old.get(name) != new.get(name):
            what = f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}"
            yield Difference(where, what, breaking=is_input and name in new)
    if old.get("enum") != new.get("enum"):
        before, after = ({json.dumps(v) for v in s.get("enum", ())} for s in (old, new))
        lost = (before - after) if is_input else (after - before)
        yield Difference(where, f"values {_or(before)} → {_or(after)}", bool(lost))
    if old.get("default") != new.get("default"):
        what = f"default {old.get('default')} → {new.get('default')}"
        yield Difference(where, what, breaking=False)


def _or(names: frozenset[str] | set[str]) -> str:
    return " or ".join(sorted(names)) or "any"
