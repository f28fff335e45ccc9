"""Settings objects that are alive in the app: pydantic-settings and pydantic 1."""

import os

from . import naming


def describe(census, root):
    """One entry a settings class of the project: its fields and where they are read from."""
    instances = []
    for key in ("settings", "settings1", "settings2"):
        instances.extend(census.all(key))
    named = _module_names(root)
    found = {}
    for instance in instances:
        cls = type(instance)
        if not naming.class_place(cls, root)[0]:
            continue
        name = named.get(id(instance))
        known = found.get(cls)
        if known is None or (name and not known["instance"]):
            found[cls] = {
                "class": naming.dotted(cls),
                "instance": name,
                "fields": fields(cls),
            }
    return list(found.values())


def _module_names(root):
    """Living objects by their dotted name in a module of the project."""
    named = {}
    for module_name, module in sorted(naming.project_modules(root).items()):
        for name, value in list(vars(module).items()):
            kind = type(value)
            if any(cls.__name__ == "BaseSettings" for cls in kind.__mro__):
                own = getattr(kind, "__module__", "") == module_name
                if own or id(value) not in named:
                    named[id(value)] = "{}.{}".format(module_name, name)
    return named


def fields(cls):
    """Fields of a settings class of either pydantic, with the variables that each is read from."""
    modern = getattr(cls, "model_fields", None)
    if isinstance(modern, dict):
        return [_modern(cls, name, field) for name, field in modern.items()]
    return [_older(name, field) for name, field in getattr(cls, "__fields__", {}).items()]


def _modern(cls, name, field):
    names = modern_variables(cls, name, field)
    required = field.is_required()
    return {
        "name": name,
        "env": names[0],
        "names": names,
        "annotation": naming.annotation(field.annotation),
        "required": required,
        "given_by": _given_by(names, required),
    }


def modern_variables(cls, name, field):
    """The environment variables that pydantic-settings tries for a field, the usual one first."""
    alias = getattr(field, "validation_alias", None) or field.alias
    if isinstance(alias, str):
        return [alias]
    choices = [
        choice for choice in getattr(alias, "choices", None) or () if isinstance(choice, str)
    ]
    if choices:
        return choices
    prefix = (getattr(cls, "model_config", None) or {}).get("env_prefix") or ""
    sensitive = (getattr(cls, "model_config", None) or {}).get("case_sensitive")
    full = prefix + name
    return [full if sensitive else full.upper()]


def _older(name, field):
    extra = getattr(field.field_info, "extra", None) or {}
    names = sorted(extra.get("env_names") or {name})
    names = [variable if variable in os.environ else variable.upper() for variable in names]
    required = field.required is True
    return {
        "name": name,
        "env": names[0],
        "names": names,
        "annotation": naming.annotation(field.outer_type_),
        "required": required,
        "given_by": _given_by(names, required),
    }


def _given_by(names, required):
    upper = {variable.upper() for variable in os.environ}
    if any(variable.upper() in upper for variable in names):
        return "environment"
    return "file" if required else "default"
