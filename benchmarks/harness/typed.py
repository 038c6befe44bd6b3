"""Reads what json.loads made into dataclasses, and says what is of the wrong type, and where."""

import dataclasses
import math
import types
from typing import Any, get_args, get_origin, get_type_hints


def _expect(value: Any, accepted: type | types.UnionType, where: str, wanted: str) -> None:
    # To Python, true is a number.
    if not isinstance(value, accepted) or (isinstance(value, bool) and accepted is not bool):
        raise ValueError(f"{where} is no {wanted}")


def _number(value: Any, where: str) -> Any:
    _expect(value, int | float, where, "number")
    if not math.isfinite(value):
        raise ValueError(f"{where} is not finite")
    return value


def _record(kind: Any, value: Any, where: str) -> Any:
    _expect(value, dict, where, "object")
    hints = get_type_hints(kind)
    for unknown in value.keys() - hints.keys():
        raise ValueError(f"{where} has an unknown part, {unknown}")
    for part in dataclasses.fields(kind):
        needed = part.default is part.default_factory is dataclasses.MISSING
        if needed and part.name not in value:
            raise ValueError(f"{where}.{part.name} is missing")
    return kind(
        **{name: read(hints[name], part, f"{where}.{name}") for name, part in value.items()}
    )


def read(kind: Any, value: Any, where: str) -> Any:
    """`value` as a `kind`: a dataclass, a list or dict of kinds, str, int, bool, float or Any."""
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, where)
    if get_origin(kind) is list:
        (inner,) = get_args(kind)
        _expect(value, list, where, "list")
        return [read(inner, part, f"{where}[{i}]") for i, part in enumerate(value)]
    if get_origin(kind) is dict:
        _, inner = get_args(kind)
        _expect(value, dict, where, "object")
        return {name: read(inner, part, f"{where}.{name}") for name, part in value.items()}
    if kind is float:
        return _number(value, where)
    _expect(value, kind, where, {str: "text", int: "whole number", bool: "truth value"}[kind])
    return value
