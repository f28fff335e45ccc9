"""The dependency tree of a route as FastAPI resolved it, and where each root was attached."""

import inspect

from . import naming

SPECIAL = (
    "request_param_name",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)
KINDS = ("path", "query", "header", "cookie", "body")


class Places:
    """Tells where a ``Depends`` object of a route was given, by its identity.

    The lists are concatenated by FastAPI without copying their members, so the very object that
    stands in ``app.router.dependencies`` or in a living router's is found again on the route.
    """

    def __init__(self, app, census):
        own = getattr(app, "router", None)
        self._app = {id(item) for item in getattr(own, "dependencies", None) or ()}
        self._router = set()
        self._leaf = {}
        for router in census.all("router"):
            if router is not own:
                self._router.update(id(item) for item in router.dependencies)
            self._note_leaves(router)

    def _note_leaves(self, router):
        for route in router.routes:
            depends = getattr(route, "dependencies", None)
            endpoint = getattr(route, "endpoint", None)
            if depends is None or endpoint is None:
                continue
            known = self._leaf.get(id(endpoint))
            if known is None or len(depends) < len(known):
                self._leaf[id(endpoint)] = [id(item) for item in depends]

    def of(self, depends, endpoint):
        """``app``, ``router``, ``decorator`` or ``inclusion``."""
        if id(depends) in self._app:
            return "app"
        if id(depends) in self._router:
            return "router"
        return "decorator" if id(depends) in self._leaf.get(id(endpoint), ()) else "inclusion"


def describe(route, places, root):
    """``{"parameters", "dependencies", "body_model"}`` of one FastAPI route."""
    dependant = route.dependant
    attached = list(getattr(route, "dependencies", None) or ())
    nodes = []
    for position, child in enumerate(dependant.dependencies):
        place = "parameter"
        if position < len(attached):
            place = places.of(attached[position], route.endpoint)
        nodes.append(_node(child, place, root, (), 0))
    return {
        "parameters": parameters(dependant, route.endpoint),
        "dependencies": nodes,
        "body_model": _body_model(dependant),
    }


def _node(dependant, place, root, above, depth):
    call = dependant.call
    scopes = _scopes(dependant)
    file, line = naming.code_place(call, root) if call is not None else ("", 0)
    children = dependant.dependencies if depth < 20 else ()
    return {
        "call": naming.dotted(call) if call is not None else "",
        "name": dependant.name or "",
        "scopes": [scope for scope in scopes if scope not in above],
        "scheme": _scheme(call),
        "place": place,
        "returns": _returns(call),
        "options": _options(dependant, call),
        "file": file,
        "line": line,
        "parameters": parameters(dependant, call),
        "children": [_node(child, place, root, scopes, depth + 1) for child in children],
    }


def _scopes(dependant):
    own = getattr(dependant, "own_oauth_scopes", None)
    return list(own or getattr(dependant, "security_scopes", None) or ())


def _scheme(call):
    names = [cls.__name__ for cls in type(call).__mro__]
    return type(call).__name__ if "SecurityBase" in names else None


def _returns(call):
    if call is None or _scheme(call):
        return None
    if isinstance(call, type):
        return naming.dotted(call)
    target = call if inspect.isroutine(call) else type(call).__call__
    found = naming.hints(inspect.unwrap(target)).get("return", inspect.Signature.empty)
    return naming.annotation(naming.yielded(found))


def _options(dependant, call):
    options = {}
    if getattr(dependant, "use_cache", True) is False:
        options["use_cache"] = "False"
    if _scheme(call):
        options.update(_scheme_options(call))
    elif not inspect.isroutine(call) and not isinstance(call, type):
        options.update(
            (name, naming.shown(name, value))
            for name, value in vars_of(call).items()
            if isinstance(value, (str, int, float, bool, tuple, list, type(None)))
        )
    return options


def vars_of(thing):
    """The instance's attributes, none where it has no ``__dict__``."""
    return dict(getattr(thing, "__dict__", {}) or {})


def _scheme_options(call):
    options = {"auto_error": repr(getattr(call, "auto_error", None))}
    model = getattr(call, "model", None)
    flow = getattr(getattr(model, "flows", None), "password", None)
    if getattr(flow, "tokenUrl", None):
        options["tokenUrl"] = flow.tokenUrl
    for name in ("name", "scheme"):
        value = getattr(model, name, None)
        if isinstance(value, str):
            options[name] = value
    if getattr(call, "scheme_name", None):
        options["scheme_name"] = call.scheme_name
    return options


def parameters(dependant, call):
    """What the callable itself takes, in the order of its signature."""
    found = {}
    for kind in KINDS:
        for field in getattr(dependant, kind + "_params", None) or ():
            found[field.name] = _parameter(field, kind)
    for attribute in SPECIAL:
        name = getattr(dependant, attribute, None)
        if name:
            found[name] = _simple(name, "special")
    for child in dependant.dependencies:
        if child.name:
            found.setdefault(child.name, _simple(child.name, "dependency"))
    _annotate(found, call)
    return [found[name] for name in _order(found, call)]


def _simple(name, source):
    return {
        "name": name,
        "source": source,
        "annotation": None,
        "required": False,
        "default": None,
        "constraints": {},
        "alias": name,
    }


def _parameter(field, kind):
    notes = field.field_info
    source = {"Form": "form", "File": "file"}.get(type(notes).__name__, kind)
    required = _required(field)
    return {
        "name": field.name,
        "source": source,
        "annotation": naming.annotation(_field_type(field)),
        "required": required,
        "default": None if required else _default(field),
        "constraints": constraints(notes),
        "alias": getattr(field, "alias", None) or field.name,
    }


def _field_type(field):
    notes = field.field_info
    for holder, name in ((field, "outer_type_"), (notes, "annotation"), (field, "type_")):
        kind = getattr(holder, name, None)
        if kind is not None:
            return kind
    return None


def _required(field):
    required = getattr(field, "required", None)
    if required is None:
        check = getattr(field.field_info, "is_required", None)
        required = check() if callable(check) else False
    return required is True


def _default(field):
    try:
        return naming.shown(field.name, field.default)
    except Exception:
        return None


def constraints(notes):
    """Limits of a pydantic field (1 or 2), as text by name: ``{"max_length": "72"}``."""
    names = (
        "gt",
        "ge",
        "lt",
        "le",
        "multiple_of",
        "min_length",
        "max_length",
        "pattern",
        "regex",
        "min_items",
        "max_items",
    )
    found = {}
    for holder in (notes, *(getattr(notes, "metadata", None) or ())):
        for name in names:
            value = getattr(holder, name, None)
            if value is not None and not callable(value):
                found[name] = str(value)
    return found


def _annotate(found, call):
    """The annotations as the signature has them, where FastAPI keeps none or pydantic 1 its own."""
    written = naming.hints(inspect.unwrap(call)) if call is not None else {}
    for name, entry in found.items():
        own = entry["annotation"]
        if name in written and (own is None or ".Constrained" in own):
            entry["annotation"] = naming.annotation(written[name])


def _order(found, call):
    try:
        names = [name for name in inspect.signature(call).parameters if name in found]
    except (TypeError, ValueError):
        names = []
    return names + [name for name in found if name not in names]


def _body_model(dependant):
    """The one model that the JSON body is read into; None for none, several or forms."""
    fields = [
        f
        for f in getattr(dependant, "body_params", None) or ()
        if type(f.field_info).__name__ not in ("Form", "File")
    ]
    if len(fields) != 1:
        return None
    kind = _field_type(fields[0])
    is_class = isinstance(kind, type) and hasattr(kind, "__annotations__")
    return naming.dotted(kind) if is_class else naming.annotation(kind)
