"""What it means when a device answers with an error, reject or abort."""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.bacnet.messages import Kind, Message
from greenlang_data.drivers.bacnet.names import name_of
from greenlang_data.drivers.bacnet.services import read_error
from greenlang_data.drivers.bacnet.values import Failure

_TOO_LARGE_ABORTS: Final = frozenset({1, 4, 11})  # buffer-overflow, segmentation, apdu-too-long
_TOO_LARGE_REJECTS: Final = frozenset({1})  # buffer-overflow
_BUSY_ABORTS: Final = frozenset({8, 9, 10})  # out-of-resources, tsm-timeout, reply-time
_UNKNOWN_SERVICE: Final = 9
_SERVICE_ERRORS: Final = frozenset(
    {"service-request-denied", "optional-functionality-not-supported"}
)


class RefusedError(Exception):
    """The device answered, and the answer is no."""

    def __init__(self, failure: Failure, *, too_large: bool, busy: bool, no_service: bool) -> None:
        super().__init__(failure.text)
        self.failure = failure
        self.too_large = too_large
        self.busy = busy
        self.no_service = no_service


def refusal(message: Message) -> RefusedError:
    """The refusal in an error, reject or abort. Raises BrokenAnswerError."""
    if message.kind is Kind.ERROR:
        failure, _ = read_error(message.body)
        denied = failure.status in _SERVICE_ERRORS
        return RefusedError(failure, too_large=False, busy=False, no_service=denied)
    aborted = message.kind is Kind.ABORT
    reason = name_of("abort" if aborted else "reject", message.choice)
    text = f"the device {'aborted' if aborted else 'rejected'} the request ({reason})"
    return RefusedError(
        Failure(reason, text),
        too_large=message.choice in (_TOO_LARGE_ABORTS if aborted else _TOO_LARGE_REJECTS),
        busy=aborted and message.choice in _BUSY_ABORTS,
        no_service=not aborted and message.choice == _UNKNOWN_SERVICE,
    )
