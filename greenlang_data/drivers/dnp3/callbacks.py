"""What the library calls, in its own thread: as little as possible, and never an exception.

Import this module only when :func:`~greenlang_data.drivers.dnp3.library.load_library` succeeded.
"""

from __future__ import annotations

import functools
import re
import time
from typing import Any, Final

import numpy as np
import opendnp3 as dnp3
from numpy.typing import NDArray

from greenlang_data.drivers.dnp3.flags import FLAGLESS, NO_FLAGS
from greenlang_data.drivers.dnp3.inbox import Block, Broken, Completed, Inbox, Indications, Started
from greenlang_data.drivers.dnp3.points import BY_GROUP, Kind

_NAME: Final = re.compile(r"Group([0-9]+)Var([0-9]+)")
_NS_PER_MS: Final = 1_000_000
# The largest time of 48 bits that still fits into ns since 1970 in 64 bits is in the year 2262.
_LAST_MS: Final = 2**63 // _NS_PER_MS - 1
_PRINTABLE: Final = frozenset(range(0x20, 0x7F))


class Values(dnp3.ISOEHandler):  # type: ignore[misc] # the library ships no types
    """Turns values into columns."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def BeginFragment(self, info: Any) -> None:  # noqa: N802 - the library's name, as below
        pass

    def EndFragment(self, info: Any) -> None:  # noqa: N802
        pass

    def OnDeviceAttribute(self, *_: Any) -> None:  # noqa: N802
        pass

    def Process(self, info: Any, values: list[Any]) -> None:  # noqa: N802
        """Take what the library read of one group and variation."""
        try:
            group, variation = _numbers(info.gv)
            kind = BY_GROUP.get(group)
            if kind is not None:
                self._inbox.put(_block(info, values, kind, group, variation))
        except Exception as error:  # the library would print and forget it; here it is told
            self._inbox.put(Broken(f"{type(error).__name__}: {error}"))


class Progress(dnp3.IMasterApplication):  # type: ignore[misc] # the library ships no types
    """Tells which task starts and ends, and what the outstation indicates."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def AssignClassDuringStartup(self) -> bool:  # noqa: N802
        return False

    def OnOpen(self) -> None:  # noqa: N802
        pass

    def OnClose(self) -> None:  # noqa: N802
        pass

    def OnTaskStart(self, kind: Any, _: Any) -> None:  # noqa: N802
        self._inbox.put(Started(kind.name))

    def OnTaskComplete(self, info: Any) -> None:  # noqa: N802
        self._inbox.put(Completed(info.type.name, info.result.name))
        self._inbox.flush()

    # Called after OnTaskComplete for the response that completes the task.
    def OnReceiveIIN(self, bits: Any) -> None:  # noqa: N802
        self._inbox.put(Indications(bits.LSB | bits.MSB << 8))
        self._inbox.flush()


class Channel(dnp3.IChannelListener):  # type: ignore[misc] # the library ships no types
    """The relay knows more about the connection."""

    def OnStateChange(self, state: Any) -> None:  # noqa: N802
        pass


@functools.cache
def _numbers(name: Any) -> tuple[int, int]:
    found = _NAME.fullmatch(name.name)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _block(info: Any, values: list[Any], kind: Kind, group: int, variation: int) -> Block:
    received = time.time_ns()
    # By the group, because the library does not count octet strings (g111) among the events.
    event = group == kind.event_group
    indices = np.array([one.index for one in values], np.int32)
    inner = [one.value for one in values]
    if kind.name == "octet_string":
        flags = np.full(len(inner), FLAGLESS, np.int16)
        numbers = np.full(len(inner), np.nan)
        texts = [_text(one.ToBytes()) for one in inner]
        return Block(
            group, variation, event, indices, numbers, texts, flags, None, True,
            received,
        )  # fmt: skip
    if kind.name == "double_bit":
        numbers = np.array([one.value.value for one in inner], np.float64)
    else:
        numbers = np.array([one.value for one in inner], np.float64)
    if info.flagsValid:
        flags = np.array([one.flags.value for one in inner], np.int16)
    else:
        flags = np.full(len(inner), NO_FLAGS, np.int16)
    times, synchronized = _times(info, inner)
    return Block(
        group, variation, event, indices, numbers, None, flags, times, synchronized,
        received,
    )  # fmt: skip


def _times(info: Any, inner: list[Any]) -> tuple[NDArray[np.int64] | None, bool]:
    quality = info.tsquality
    if quality == dnp3.TimestampQuality.INVALID:
        return None, True
    times = np.array([one.time.value for one in inner], np.int64)
    if (times > _LAST_MS).any():
        raise ValueError("a time stamp after the year 2262")
    return times * _NS_PER_MS, quality == dnp3.TimestampQuality.SYNCHRONIZED


def _text(content: bytes) -> str:
    """Printable ASCII as it is, without padding; any other content in hexadecimal digits."""
    shown = content.rstrip(b"\0")
    if _PRINTABLE.issuperset(shown):
        return shown.decode("ascii")
    return f"0x{content.hex()}"
