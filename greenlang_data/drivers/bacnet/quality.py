"""From BACnet's status flags, reliability and event state to quality and status."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from greenlang_data.drivers.bacnet.names import name_of
from greenlang_data.drivers.bacnet.services import Result, status_words
from greenlang_data.drivers.bacnet.values import Failure, Value
from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN


class Judgement(NamedTuple):
    """A quality code and the words for the column ``status``; None when there is nothing to say."""

    quality: int
    status: str | None


PLAIN = Judgement(GOOD, None)


@lru_cache(maxsize=256)
def judge(bits: str) -> Judgement:
    """What four status flags say.

    A fault is bad; what a person holds fixed (overridden, out-of-service) is uncertain; an alarm
    is a good value that somebody should look at.

    >>> judge("0001"), judge("1000")
    (Judgement(quality=1, status='out-of-service'), Judgement(quality=0, status='in-alarm'))
    """
    words = status_words(bits)
    if "fault" in words:
        return Judgement(BAD, ",".join(words))
    uncertain = "overridden" in words or "out-of-service" in words
    return Judgement(UNCERTAIN if uncertain else GOOD, ",".join(words) or None)


def judge_flags(flags: Result | None) -> Judgement:
    """As :func:`judge`, for what was read; flags that cannot be read leave a value uncertain."""
    if flags is None:
        return PLAIN
    if isinstance(flags, Failure) or flags.data_type != "BitString" or len(flags.text or "") != 4:
        return Judgement(UNCERTAIN, "no-status-flags")
    return judge(flags.text or "")


def explain(judgement: Judgement, reliability: Result | None, event_state: Result | None) -> str:
    """The status with the reliability of a fault and the event state of an alarm."""
    words = [judgement.status or ""]
    for table, result in (("reliability", reliability), ("event state", event_state)):
        if isinstance(result, Value) and result.number:  # 0 is no-fault-detected, or normal
            words.append(name_of(table, int(result.number)))
    return ",".join(words)
