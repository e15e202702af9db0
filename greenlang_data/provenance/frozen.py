"""Dicts and lists that cannot be changed, and cost nothing to copy.

pandas deep-copies ``attrs`` onto every derived object; a thousand tags in a plain dict make
``frame["x"]`` a hundred times slower. These return themselves instead. They stay dict and list, so
``json.dumps`` and ``==`` work as ever.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, Self

from greenlang_data.errors import ProvenanceError

_NESTED: Final = frozenset((dict, list))
_PLAIN: Final = json.JSONEncoder(allow_nan=False)


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError(
        "a provenance record cannot be changed. "
        "Use record.to_dict() for a copy of your own, or a new key in frame.attrs for your notes."
    )


class _Frozen:
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    __setitem__ = __delitem__ = __ior__ = __iadd__ = __imul__ = _refuse
    clear = pop = update = _refuse


class FrozenDict(_Frozen, dict[str, Any]):
    """A dict whose mutators raise TypeError; equal to the plain dict with the same items."""

    popitem = setdefault = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(_Frozen, list[Any]):
    """A list whose mutators raise TypeError; equal to the plain list with the same items."""

    append = extend = insert = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


def freeze(value: Any) -> Any:
    """A frozen copy of plain JSON.

    >>> freeze({"a": [1]})["a"].append(2)
    Traceback (most recent call last):
    TypeError: a provenance record cannot be changed. ...
    """
    # Most lists hold names only, and there may be ten thousand.
    if isinstance(value, dict):
        flat = _NESTED.isdisjoint(map(type, value.values()))
        return FrozenDict(value if flat else {key: freeze(item) for key, item in value.items()})
    if isinstance(value, list):
        flat = _NESTED.isdisjoint(map(type, value))
        return FrozenList(value if flat else [freeze(item) for item in value])
    return value


def plain_json(value: Any) -> Any:
    """A deep copy as plain JSON (tuples become lists). Raises ProvenanceError for anything else."""
    return json.loads(json_text(value))


def json_text(value: Any) -> str:
    """``value`` as JSON. Raises ProvenanceError when it is not plain."""
    try:
        return _PLAIN.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProvenanceError(
            f"provenance holds a value that is not plain JSON: {error}",
            remedy="Use str, int, finite float, bool, None, lists and dicts with text keys.",
        ) from error
