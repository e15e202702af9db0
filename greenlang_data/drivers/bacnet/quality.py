"""From BACnet's status flags, reliability and event state to quality and status."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from greenlang_data.drivers.bacnet.names import name_of
from greenlang_data.drivers.bacnet.services import Result
from greenlang_data.drivers.bacnet.values import Failure, Value
from greenlang_data.drivers.schema import BAD, GOOD, UNCERTAIN


class Judgement(NamedTuple):
    """A quality code and the words for the column ``status``; None when there is nothing to say."""

    quality: int
    status: str | None


PLAIN: Final = Judgement(GOOD, None)
IN_ALARM: Final = "in-alarm"
_FLAGS: Final = (IN_ALARM, "fault", "overridden", "out-of-service")


@lru_cache(maxsize=256)
def judge(bits: str) -> Judgement:
    """What four status flags say.

    A fault is bad; what a person holds fixed (overridden, out-of-service) is uncertain; an alarm
    is a good value that somebody should look at.

    >>> judge("0001"), judge("1000")
    (Judgement(quality=1, status='out-of-service'), Judgement(quality=0, status='in-alarm'))
    """
    words = [name for name, bit in zip(_FLAGS, bits, strict=True) if bit == "1"]
    if "fault" in words:
        return Judgement(BAD, ",".join(words))
    uncertain = "overridden" in words or "out-of-service" in words
    return Judgement(UNCERTAIN if uncertain else GOOD, ",".join(words) or None)


def judge_results(flags: Result | None, reliability: Result | None) -> Judgement:
    """As :func:`judge`, for what was read; None for what the object does not have.

    What it has and cannot be read leaves the value uncertain. A device that gives a reason for
    being unreliable without setting the fault flag is believed.
    """
    judgement = PLAIN
    if isinstance(flags, Value) and flags.data_type == "BitString" and len(flags.text or "") == 4:
        judgement = judge(flags.text or "")
    elif flags is not None:
        judgement = Judgement(UNCERTAIN, "no-status-flags")
    if isinstance(reliability, Failure):
        return Judgement(max(judgement.quality, UNCERTAIN), _and(judgement, "no-reliability"))
    if reliability is not None and reliability.number:  # 0 is no-fault-detected
        name = name_of("reliability", int(reliability.number))
        return Judgement(BAD, _and(judgement, name))
    return judgement


def with_event_state(judgement: Judgement, event_state: Result) -> Judgement:
    """The status with the event state of an alarm."""
    if isinstance(event_state, Value) and event_state.number:  # 0 is normal
        return judgement._replace(
            status=_and(judgement, name_of("event state", int(event_state.number)))
        )
    return judgement


def _and(judgement: Judgement, word: str) -> str:
    return f"{judgement.status},{word}" if judgement.status else word
