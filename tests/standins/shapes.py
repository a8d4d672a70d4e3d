"""What is wrong with a JSON object, by the attributes that the stripe package says it has."""

import ast
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

import stripe
from stripe._stripe_object import UntypedStripeObject

Wrong = list[str]
PLAIN = {int, str, bool, float}


def wrong_with(value: Any, wanted: Any, path: str = "") -> Wrong:
    """Everything in which a value is not what a type says, by the path to it.

    A string that may be one of several must be one of those: the package lets others pass, since
    Stripe may add some, but the stand-in has no new ones to add.
    """
    if get_origin(wanted) in {Union, types.UnionType}:
        return _wrong_with_each(value, get_args(wanted), path)
    return _wrong_with_each(value, (wanted,), path)


def _wrong_with_each(value: Any, allowed: tuple[Any, ...], path: str) -> Wrong:
    if value is None:
        return [] if type(None) in allowed or Any in allowed else [f"{path} is null"]
    literals = {one for kind in allowed if get_origin(kind) is Literal for one in get_args(kind)}
    if literals and isinstance(value, str):
        return [] if value in literals else [f"{path} is {value!r}"]
    fitting = [kind for kind in allowed if _may_be(value, kind)]
    if not fitting:
        return [f"{path} is {value!r}, not {' or '.join(map(str, allowed))}"]
    return _wrong_inside(value, fitting[0], path)


def _may_be(value: Any, kind: Any) -> bool:
    origin = get_origin(kind) or kind
    if kind is Any:
        return True
    if kind in PLAIN:
        return type(value) is kind
    if kind is Decimal:
        return _is_decimal(value)
    if origin is list:
        return isinstance(value, list)
    if not isinstance(value, dict) or not inspect.isclass(origin):
        return False
    name = getattr(origin, "OBJECT_NAME", None)
    return name is None or value.get("object") == name


def _is_decimal(value: Any) -> bool:
    try:
        return isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _wrong_inside(value: Any, kind: Any, path: str) -> Wrong:
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin is list:
        return [
            wrong
            for place, one in enumerate(value)
            for wrong in wrong_with(one, inner[0], f"{path}[{place}]")
        ]
    if origin is stripe.ListObject:
        pages = {"object", "data", "has_more", "url"}
        wrong = [] if set(value) == pages else [f"{path} is no list"]
        return wrong + wrong_with(value["data"], list[inner[0]], f"{path}.data")
    if origin is UntypedStripeObject:
        return [
            wrong
            for name, one in value.items()
            for wrong in wrong_with(one, inner[0], f"{path}.{name}")
        ]
    if inspect.isclass(origin) and issubclass(origin, stripe.StripeObject):
        return _wrong_with_attributes(value, attributes(origin), path)
    return []


def _wrong_with_attributes(value: Mapping[str, Any], known: Mapping[str, Any], path: str) -> Wrong:
    wrong = [f"{path}.{name} is unknown" for name in value if name not in known]
    for name, kind in known.items():
        if name in value:
            wrong += wrong_with(value[name], kind, f"{path}.{name}")
        elif type(None) not in get_args(kind):
            wrong.append(f"{path}.{name} is missing")
    return wrong


@cache
def attributes(kind: type) -> dict[str, Any]:
    """Annotated attributes with their types."""
    module = sys.modules[kind.__module__]
    names = {**vars(stripe), **vars(module), **_imported_for_types(module.__name__)}
    hints = typing.get_type_hints(kind, names, dict(vars(kind)))
    return {
        name: hint
        for name, hint in hints.items()
        if get_origin(hint) is not ClassVar and not name.startswith("_")
    }


@cache
def _imported_for_types(module_name: str) -> dict[str, Any]:
    """What a module imports for type checkers alone."""
    tree = ast.parse(inspect.getsource(sys.modules[module_name]))
    return {
        name.asname or name.name: getattr(importlib.import_module(node.module), name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe.")
        for name in node.names
        if node.module
    }
