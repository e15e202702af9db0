"""One column on its way into a content hash, whatever it is stored in."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final, TypeVar

from greenlang_data.errors import ProvenanceError
from greenlang_data.provenance.canonical import cell_json
from greenlang_data.provenance.kinds import Kind
from greenlang_data.provenance.texts import Texts

AnyKind = TypeVar("AnyKind", bound=Kind)

_NOTHING: Final = sha256(b"null\0").digest()


class Column:
    """The digest of one column; its kind shows with its first value.

    A column without any value has the same digest whatever its type, because the type of an empty
    column does not survive the first file.
    """

    def __init__(self, name: object) -> None:
        self.name = name
        self._kind: Kind | None = None
        self._leading = 0

    def nulls(self, count: int) -> None:
        """Add ``count`` missing rows."""
        if self._kind is None:
            self._leading += count
        elif count:
            self._kind.nulls(count)

    def of(self, make: type[AnyKind], label: str) -> AnyKind:
        """The running digest of this kind. Raises ProvenanceError when the column has another."""
        kind = self._kind
        if kind is not None and kind.label == label and isinstance(kind, make):
            return kind
        if kind is not None and kind.seen:
            what = f"column {self.name!r} changes from {kind.label} to {label} between batches"
            raise ProvenanceError(what, remedy="Cast it to one type first.")
        fresh = make(label)
        leading = self._leading if kind is None else kind.rows
        if leading:
            fresh.nulls(leading)
        self._kind = fresh
        return fresh

    def objects(self, values: Iterable[Any]) -> None:
        """Add values of mixed or nested types, as canonical JSON."""
        self.of(Texts, "json").add([cell_json(value) for value in values])

    def digest(self) -> bytes:
        """The 32 bytes of everything added so far."""
        return self._kind.digest() if self._kind is not None and self._kind.seen else _NOTHING
