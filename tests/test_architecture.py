"""Imports run one way through the house, and importing it is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "greenlang_data"

# Each room, and the rooms that it may import. What is not named here may not be there.
MAY_IMPORT: dict[str, set[str]] = {
    "_version": set(),
    "errors": set(),
    "nearest": set(),
    "states": set(),
    "times": {"errors"},
    "runtime": {"errors"},
    "settings": {"errors", "nearest", "times"},
    "pace": {"errors"},
    "resilience": {"errors", "pace"},
    "drivers": {"errors", "nearest", "pace", "settings"},
    "provenance": {"_version", "errors"},
    "frames": {"errors", "provenance", "drivers"},
    "cache": {"errors", "drivers", "provenance"},
    "connectors": {
        "cache", "errors", "nearest", "states", "times", "runtime", "settings", "resilience", "drivers", "frames",
        "provenance",
    },
    "observe": {"errors", "nearest", "states", "runtime", "settings", "connectors"},
    "export": {"errors", "runtime", "provenance", "frames", "drivers", "connectors"},
    "emissions": {"errors", "settings"},
    "maintenance": {"errors", "emissions"},
    "answer": {"errors", "frames", "provenance", "connectors"},
    "sources": {"errors", "nearest", "settings", "connectors"},
    "tags": {"errors", "runtime", "provenance", "connectors", "sources", "answer"},
    "calls": {
        "errors", "times", "runtime", "provenance", "connectors", "sources", "answer", "export",
        "observe",
    },
    "session": {
        "errors", "times", "runtime", "settings", "connectors", "sources", "answer", "export",
        "observe", "tags", "calls",
    },
    "word_orders": {"errors", "runtime", "settings", "drivers", "connectors", "session"},
    "campd": {"errors", "runtime", "provenance", "drivers", "connectors", "export", "session"},
    "check": {"runtime", "connectors", "session"},
    "record": {"_version", "errors", "runtime", "drivers", "connectors", "session"},
    "demo": {"session", "__init__"},
    "cli": {"_version", "errors", "check", "demo", "record"},
    "__init__": {"_version"},
}  # fmt: skip

FORBIDDEN = {
    "drivers": {"pandas", "tenacity", "pybreaker", "prometheus_client"},
    "pace": {"pandas", "pyarrow", "pydantic", "tenacity", "pybreaker"},
    "resilience": {"pandas", "pyarrow", "pydantic"},
    "runtime": {"pandas", "pyarrow", "pydantic"},
    "frames": {"tenacity", "pybreaker", "asyncua", "pymodbus"},
    "settings": {"pandas"},
    "emissions": {"pydantic", "requests", "tenacity", "pybreaker", "asyncua", "pymodbus"},
    "maintenance": {"pydantic", "requests", "tenacity", "pybreaker", "asyncua", "pymodbus"},
    "provenance": {"asyncua", "pymodbus", "tenacity", "pybreaker"},
}


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Modules imported anywhere in the file, also inside functions, but not for type checking."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or path.name == "__init__.py", f"relative import in {path}"
            found.add(node.module or "")
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    room = room_of(path)
    modules = imports_of(path)
    ours = {name.split(".")[1] if "." in name else "__init__" for name in modules
            if name.split(".")[0] == "greenlang_data"}  # fmt: skip
    assert ours <= MAY_IMPORT[room] | {room}
    foreign = {name.split(".")[0] for name in modules}
    assert not foreign & FORBIDDEN.get(room, set())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_room_is_too_large_to_find_something_in(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


# Of all requests over HTTP, those that are neither GET nor POST, and where they are made.
OTHER_METHODS = {("drivers/phd/agent.py", "PUT"), ("drivers/phd/agent.py", "DELETE")}


def test_no_driver_has_a_way_to_write_over_http() -> None:
    """Opening and closing a connection of an OIBus agent, and reading from it, is no write."""
    found = set()
    for path in (PACKAGE / "drivers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in ("PUT", "PATCH", "DELETE"):
                found.add((str(path.relative_to(PACKAGE)), str(node.value)))
    assert found == OTHER_METHODS


def test_the_readme_tells_where_every_room_is() -> None:
    readme = (PACKAGE.parent / "README.md").read_text("utf-8")
    told = readme.split("## Where things are")[1].split("\n## ")[0]
    rooms = {f"{one.name}{'/' if one.is_dir() else ''}" for one in PACKAGE.iterdir()}
    hidden = {one for one in rooms if one.startswith("_") or "." in one.removesuffix(".py")}
    assert [one for one in sorted(rooms - hidden) if f"`{one}`" not in told] == []


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_importing_loads_no_driver_and_no_pandas() -> None:
    heavy = "pandas numpy pyarrow pydantic asyncua pymodbus prometheus_client tenacity"
    code = f"import sys, greenlang_data; print([m for m in '{heavy}'.split() if m in sys.modules])"
    assert run(code) == "[]"


def test_every_public_name_can_be_had_and_is_listed() -> None:
    import greenlang_data

    for name in greenlang_data.__all__:
        assert getattr(greenlang_data, name) is not None
        assert name in dir(greenlang_data)
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        greenlang_data.Sesion  # noqa: B018
