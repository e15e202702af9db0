"""What the outstation answers to a request, and what it reports by itself."""

from __future__ import annotations

from dataclasses import dataclass

from .audit import CLEAR_RESTART, CONTROL_GROUPS
from .database import EVENT_CLASSES
from .objects import CLASSES_GROUP
from .outstation import Outstation
from .reading import FINE, Reading
from .request import (
    NO_RESPONSE_FUNCTIONS,
    Function,
    Indication,
    Malformed,
    Request,
    headers,
)
from .response import Builder, Draft

NO_DELAY = bytes([52, 2, 0x07, 1, 0, 0])


@dataclass
class Answer:
    """The fragments of a response and the errors it indicates."""

    drafts: list[Draft]
    errors: Indication = FINE


class Answers:
    """Carries out requests; everything that would operate the device is refused."""

    def __init__(self, outstation: Outstation) -> None:
        self._outstation = outstation

    def answer(self, request: Request) -> Answer | None:
        """Carry out a request; None when its function has no response."""
        if request.function in NO_RESPONSE_FUNCTIONS:
            return None
        try:
            return self._carry_out(request)
        except Malformed:
            return Answer([Draft()], Indication.PARAM_ERROR)

    def unsolicited(self) -> Draft | None:
        """What to report now: the start, or events of the enabled classes."""
        outstation = self._outstation
        if not outstation.options.unsolicited:
            return None
        forced, outstation.unsolicited_forced = outstation.unsolicited_forced, False
        if not outstation.start_announced and not forced:
            return Draft()
        classes = set(EVENT_CLASSES) if forced else outstation.unsolicited_classes
        events = outstation.events.select(lambda event: event.event_class in classes)
        if not events and not forced:
            return None
        builder = self._builder()
        if events:
            builder.add_events(events)
        for later in builder.drafts[1:]:
            outstation.events.release(later.events)
        return builder.drafts[0]

    def _carry_out(self, request: Request) -> Answer:
        if request.function == Function.READ:
            return self._read(request)
        if request.function == Function.WRITE and request.objects in CLEAR_RESTART:
            self._outstation.restarted = False
            return Answer([Draft()])
        if request.function == Function.DELAY_MEASURE:
            return Answer([Draft(bytearray(NO_DELAY))])
        if request.function == Function.RECORD_CURRENT_TIME:
            return Answer([Draft()])
        if self._outstation.options.unsolicited:
            if request.function == Function.ENABLE_UNSOLICITED:
                return self._switch_unsolicited(request, on=True)
            if request.function == Function.DISABLE_UNSOLICITED:
                return self._switch_unsolicited(request, on=False)
        return Answer([Draft()], Indication.FUNC_NOT_SUPPORTED)

    def _read(self, request: Request) -> Answer:
        wanted = headers(request.objects)
        builder = self._builder()
        outstation = self._outstation
        reading = Reading(
            outstation.database,
            outstation.events,
            builder,
            outstation.now,
            outstation.indications,
        )
        errors = FINE if wanted else Indication.PARAM_ERROR
        for header in wanted:
            # Reading the command objects is refused like operating them.
            refused = header.group in CONTROL_GROUPS
            errors |= Indication.OBJECT_UNKNOWN if refused else reading.read(header)
        return Answer(builder.drafts, errors)

    def _switch_unsolicited(self, request: Request, *, on: bool) -> Answer:
        classes: set[int] = set()
        errors = FINE
        for header in headers(request.objects):
            if header.group != CLASSES_GROUP or header.variation - 1 not in EVENT_CLASSES:
                errors |= Indication.OBJECT_UNKNOWN
            elif header.qualifier != 0x06:
                errors |= Indication.PARAM_ERROR
            else:
                classes.add(header.variation - 1)
        if on:
            self._outstation.unsolicited_classes |= classes
        else:
            self._outstation.unsolicited_classes -= classes
        return Answer([Draft()], errors)

    def _builder(self) -> Builder:
        options = self._outstation.options
        return Builder(options.fragment_bytes, synchronized=not options.need_time)
