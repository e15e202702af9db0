"""Dicts and lists that cannot be changed, and cost nothing to copy.

pandas deep-copies ``attrs`` onto every derived object; a thousand tags in a plain dict make
``frame["x"]`` a hundred times slower. These return themselves instead. They stay dict and list, so
``json.dumps`` and ``==`` work as ever.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn, Self

from greenlang_data.errors import ProvenanceError

_TEXT: Final = frozenset((str,))
_SCALARS: Final = frozenset((str, int, bool, type(None)))  # a float may be NaN
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
    """A frozen deep copy as plain JSON (tuples become lists).

    Raises ProvenanceError for what is not plain.

    >>> freeze({"a": (1,)})["a"].append(2)
    Traceback (most recent call last):
    TypeError: a provenance record cannot be changed. ...
    """
    try:
        return _frozen(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProvenanceError(
            f"provenance holds a value that is not plain JSON: {error}",
            remedy="Use str, int, finite float, bool, None, lists and dicts with text keys.",
        ) from error


def _frozen(value: Any) -> Any:
    kind = type(value)
    if kind in _SCALARS or (kind is float and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        # Most lists hold names only, and there may be ten thousand.
        flat = _SCALARS.issuperset(map(type, value))
        return FrozenList(value if flat else map(_frozen, value))
    if isinstance(value, dict) and _TEXT.issuperset(map(type, value)):
        flat = _SCALARS.issuperset(map(type, value.values()))
        return FrozenDict(value if flat else {key: _frozen(item) for key, item in value.items()})
    # Enums, numbers of numpy and keys that are no text become what JSON makes of them.
    plain = json.loads(_PLAIN.encode(value))
    return _frozen(plain) if isinstance(plain, dict) else plain
