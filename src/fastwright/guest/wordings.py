"""The words that models allow in a field, for a column of plain text that has its name."""

import enum
import sys
import typing

from . import claims, naming


def allowed(table):
    """Texts by column: of an enumeration, or of ``Literal``, in a model that tells of such a row.

    A column of text takes any; what answers with it does not.
    """
    columns = {column.name: column for column in table.columns}
    texts = {name for name, column in columns.items() if _is_text(column)}
    found = {}
    for model in _models():
        if claims.resembles(model, columns):
            for name in texts & set(_annotations(model)):
                words = _words(_annotations(model)[name])
                if words:
                    found.setdefault(name, words)
    return found


def _is_text(column):
    try:
        return column.type.python_type is str and not getattr(column.type, "enums", None)
    except NotImplementedError:
        return False


def _models():
    waiting = [getattr(sys.modules.get("pydantic"), "BaseModel", None)]
    while waiting:
        model = waiting.pop(0)
        below = model.__subclasses__() if model is not None else ()
        waiting += below
        yield from below


def _annotations(model):
    """Each field with the annotation that pydantic has resolved, of version 1 or 2."""
    fields = getattr(model, "model_fields", None) or getattr(model, "__fields__", {})
    return {
        name: getattr(field, "annotation", None) or getattr(field, "outer_type_", None)
        for name, field in fields.items()
    }


def _words(annotation):
    for kind in naming.typing_arguments(annotation) or (annotation,):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return _texts(member.value for member in kind)
        if typing.get_origin(kind) is getattr(typing, "Literal", None):
            return _texts(typing.get_args(kind))
    if typing.get_origin(annotation) is getattr(typing, "Literal", None):
        return _texts(typing.get_args(annotation))
    return []


def _texts(values):
    found = list(values)
    return found if all(isinstance(value, str) for value in found) else []
