"""Every error says which source, what happened and what to do next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import greenlang_data
from greenlang_data import errors
from greenlang_data.errors import GreenLangError

PACKAGE = Path(greenlang_data.__file__).parent
KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type)
    and issubclass(kind, GreenLangError)
    and kind is not GreenLangError
    and name[0] != "_"
}
# What has no source: a file of our own is named instead, and the others are about the call itself.
SOURCELESS = {
    "drivers/analyser/recorder.py": "a recording",
    "drivers/analyser/store.py": "a recording",
    "drivers/analyser/history.py": "a recording",
    "drivers/http/worker.py": "a request that nobody waits for any more",
    "drivers/modbus/probe.py": "a probe that is not yet of a source",
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_error_knows_what_to_do_next(kind: type[GreenLangError]) -> None:
    error = kind("it is broken", source="plant1")
    assert str(error) == f"plant1: it is broken. {kind.usual_remedy}"
    assert "usual_remedy" in vars(kind)
    assert kind.usual_remedy.endswith(".")
    own = kind("it is broken", source="plant1", remedy="Mend it.")
    assert str(own) == "plant1: it is broken. Mend it."


def raised(path: Path) -> Iterator[tuple[int, str, set[str | None]]]:
    """Where an error of ours is made: line, its name, and the keywords."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in KINDS:
                yield node.lineno, name, {one.arg for one in node.keywords}


@pytest.mark.parametrize(
    "path",
    sorted(PACKAGE.glob("drivers/**/*.py")),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_an_error_of_a_driver_names_its_source(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    nameless = [(line, name) for line, name, said in raised(path) if "source" not in said]
    assert bool(nameless) == (place in SOURCELESS), nameless
