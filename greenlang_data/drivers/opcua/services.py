"""The services that this driver uses, by the id of their request's binary encoding.

There are no others: a request that is not listed here cannot be sent, by whichever way it comes.
None of these writes a value or history, calls a method, or acknowledges an alarm.
"""

from __future__ import annotations

from typing import Final

# The id of an answer is this much more.
ANSWER_OFFSET: Final = 3
SERVICE_FAULT: Final = 397

READ, HISTORY_READ, TRANSLATE = 631, 664, 554
BROWSE, BROWSE_NEXT = 527, 533
# What a session and a subscription need: housekeeping of the protocol, gone with the session.
CLOSE_SESSION: Final = 473
CREATE_SUBSCRIPTION, DELETE_SUBSCRIPTIONS, CREATE_ITEMS = 787, 847, 751
PUBLISH, REPUBLISH = 826, 832
_GET_ENDPOINTS, _CREATE_SESSION, _ACTIVATE_SESSION = 428, 461, 467
_OPEN_CHANNEL, _CLOSE_CHANNEL = 446, 452

ALLOWED: Final = frozenset(
    {
        READ, HISTORY_READ, TRANSLATE, BROWSE, BROWSE_NEXT,
        CREATE_SUBSCRIPTION, DELETE_SUBSCRIPTIONS, CREATE_ITEMS, PUBLISH, REPUBLISH,
        _GET_ENDPOINTS, _CREATE_SESSION, _ACTIVATE_SESSION, CLOSE_SESSION,
        _OPEN_CHANNEL, _CLOSE_CHANNEL,
    }
)  # fmt: skip


class ForbiddenRequestError(Exception):
    """Something other than reading was about to be sent; nothing was."""


def check_allowed(message: bytes) -> None:
    """Raise ForbiddenRequestError unless ``message`` is a request that this driver may send."""
    service = numeric_id(message)
    if service not in ALLOWED:
        raise ForbiddenRequestError(f"a request of type {service} is none of reading")


def numeric_id(node_id: bytes) -> int | None:
    """The number of an encoded NodeId of namespace 0, in whichever form it is; else None."""
    if node_id[0] == 0:
        return node_id[1]
    if node_id[0] == 1 and node_id[1] == 0:
        return int.from_bytes(node_id[2:4], "little")
    if node_id[0] == 2 and node_id[1:3] == b"\x00\x00":
        return int.from_bytes(node_id[3:7], "little")
    return None
