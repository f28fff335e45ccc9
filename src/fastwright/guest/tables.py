"""Tables and mappers as SQLAlchemy holds them (1.4, 2.x, SQLModel, Core)."""

from . import living, naming


def describe(census, root):
    """The tables of all living metadata that has any, with their mapped class where there is one.

    Returns:
        ``(tables, errors)``.
    """
    errors = []
    mappers = _mappers(census, errors)
    tables = []
    seen = set()
    for metadata in living.app_metadata(census):
        for table in metadata.sorted_tables:
            if id(table) not in seen:
                seen.add(id(table))
                _add(tables, table, mappers.get(id(table)), root, errors)
    return tables, errors


def _add(tables, table, mapper, root, errors):
    try:
        tables.append(_table(table, mapper, root))
    except Exception as error:
        errors.append("{}: {}: {}".format(table.name, type(error).__name__, error))


def _mappers(census, errors):
    try:
        from sqlalchemy.orm import configure_mappers
    except ImportError:
        return {}
    try:
        configure_mappers()
    except Exception as error:
        errors.append("configure_mappers: {}: {}".format(type(error).__name__, error))
    found = {}
    for registry in census.all("registry"):
        for mapper in registry.mappers:
            found.setdefault(id(mapper.local_table), mapper)
    return found


def _table(table, mapper, root):
    model = mapper.class_ if mapper is not None else None
    file, line = naming.class_place(model, root) if model is not None else ("", 0)
    attributes = _attributes(mapper)
    indexes = _indexes(table)
    return {
        "name": table.name,
        "schema": table.schema,
        "model": naming.dotted(model) if model is not None else None,
        "mapper": _mapper_name(model),
        "file": file,
        "line": line,
        "columns": [_column(c, attributes, indexes) for c in table.columns],
        "indexes": indexes,
        "relationships": _relationships(mapper),
    }


def _mapper_name(model):
    if model is None:
        return "core"
    names = {cls.__module__.split(".")[0] for cls in model.__mro__}
    return "sqlmodel" if "sqlmodel" in names else "sqlalchemy"


def _attributes(mapper):
    """Column → Python attribute."""
    if mapper is None:
        return {}
    return {id(c): p.key for p in mapper.column_attrs for c in p.columns}


def _column(column, attributes, indexes):
    alone = [index for index in indexes if index["columns"] == [column.name]]
    keys = sorted(str(key.target_fullname) for key in column.foreign_keys)
    ondelete = [key.ondelete or "" for key in column.foreign_keys]
    return {
        "name": column.name,
        "attribute": attributes.get(id(column), column.key),
        "type": type_text(column.type),
        "nullable": bool(column.nullable),
        "primary_key": bool(column.primary_key),
        "unique": bool(column.unique) or any(index["unique"] for index in alone),
        "index": bool(column.index) or bool(alone),
        "foreign_key": keys[0] if keys else None,
        "default": _default(column),
        "length": _length(column.type),
        "timezone": getattr(column.type, "timezone", None),
        "ondelete": ondelete[0] if len(ondelete) == 1 else None,
    }


def type_text(kind):
    """``String(50)``: the type's class and, where it has one, its length."""
    length = _length(kind)
    name = type(kind).__name__
    return "{}({})".format(name, length) if length is not None else name


def _length(kind):
    length = getattr(kind, "length", None)
    return length if isinstance(length, int) else None


def _default(column):
    for default in (column.default, column.server_default):
        argument = getattr(default, "arg", None)
        if argument is None:
            continue
        if callable(argument):
            return naming.dotted(argument)
        return str(getattr(argument, "text", None) or repr(argument))
    return None


def _indexes(table):
    found = [
        {
            "name": index.name,
            "columns": [getattr(c, "name", str(c)) for c in index.expressions],
            "unique": bool(index.unique),
        }
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    for constraint in table.constraints:
        if type(constraint).__name__ == "UniqueConstraint":
            name = constraint.name if isinstance(constraint.name, str) else None
            columns = [column.name for column in constraint.columns]
            found.append({"name": name, "columns": columns, "unique": True})
    return sorted(found, key=lambda index: (index["columns"], str(index["name"])))


def _relationships(mapper):
    if mapper is None:
        return []
    return [
        {
            "name": r.key,
            "target": naming.dotted(r.mapper.class_),
            "many": bool(r.uselist),
            "lazy": str(r.lazy),
        }
        for r in mapper.relationships
    ]
