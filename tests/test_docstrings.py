"""Everything public says what it is, and every public name can be found in the README or its room."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import greenlang_data

README = (Path(greenlang_data.__file__).parent.parent / "README.md").read_text("utf-8")
MODULES = [
    one.name
    for one in pkgutil.walk_packages(greenlang_data.__path__, f"{greenlang_data.__name__}.")
]


def members(owner: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that the class itself defines."""
    for name, value in vars(owner).items():
        made_by = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if isinstance(made_by, FunctionType) and made_by.__name__ == name and name[0] != "_":
            yield f"{owner.__qualname__}.{name}", getattr(owner, name)


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The module and all that it defines for others."""
    yield module.__name__, module
    for name, value in vars(module).items():
        if name[0] == "_" or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            yield name, value
            yield from members(value)
        elif inspect.isfunction(value) and value.__name__ == name:
            yield name, value


def says(value: Any) -> str:
    """Its docstring; that of a class is its own, not what it inherits."""
    return (value.__doc__ if inspect.isclass(value) else inspect.getdoc(value)) or ""


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_says_what_it_is(name: str) -> None:
    silent = [what for what, value in public(importlib.import_module(name)) if not says(value)]
    assert silent == []


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def test_every_public_name_is_in_the_readme() -> None:
    assert set(greenlang_data.__all__) - {"__version__"} - names_in(README) == set()


@pytest.mark.parametrize("room", ["emissions", "maintenance"])
def test_every_name_of_a_room_is_in_its_docstring_or_the_readme(room: str) -> None:
    module = getattr(greenlang_data, room)
    assert set(module.__all__) - names_in(f"{module.__doc__} {README}") == set()
