"""What the exception codes of a device mean, in the words of the Modbus specification."""

from __future__ import annotations

from typing import Final

from pymodbus.constants import ExcCodes

# pymodbus has the codes, but its names differ from the specification's, and one is misspelt.
_NAMES: Final[dict[int, str]] = {
    ExcCodes.ILLEGAL_FUNCTION: "IllegalFunction",
    ExcCodes.ILLEGAL_ADDRESS: "IllegalDataAddress",
    ExcCodes.ILLEGAL_VALUE: "IllegalDataValue",
    ExcCodes.DEVICE_FAILURE: "ServerDeviceFailure",
    ExcCodes.ACKNOWLEDGE: "Acknowledge",
    ExcCodes.DEVICE_BUSY: "ServerDeviceBusy",
    ExcCodes.NEGATIVE_ACKNOWLEDGE: "NegativeAcknowledge",
    ExcCodes.MEMORY_PARITY_ERROR: "MemoryParityError",
    ExcCodes.GATEWAY_PATH_UNAVIABLE: "GatewayPathUnavailable",
    ExcCodes.GATEWAY_NO_RESPONSE: "GatewayTargetDeviceFailedToRespond",
}

# The device cannot answer now; it took the request (5) or not (6).
BUSY: Final = frozenset({ExcCodes.ACKNOWLEDGE, ExcCodes.DEVICE_BUSY})

# A gateway says that it cannot reach the unit behind it.
UNIT_UNREACHABLE: Final = frozenset({ExcCodes.GATEWAY_PATH_UNAVIABLE, ExcCodes.GATEWAY_NO_RESPONSE})

# Something in the range asked for does not exist (2), or the range is too long (3; some say 2).
RANGE_REFUSED: Final = frozenset({ExcCodes.ILLEGAL_ADDRESS, ExcCodes.ILLEGAL_VALUE})

FUNCTION_REFUSED: Final = ExcCodes.ILLEGAL_FUNCTION


def exception_name(code: int) -> str:
    """``IllegalDataAddress`` for 2 and so on; ``ExceptionCode 99`` for what is not standard."""
    return _NAMES.get(code, f"ExceptionCode {code}")


class RefusedError(Exception):
    """The device answered a request with an exception ``code``. The connection is fine."""

    def __init__(self, code: int) -> None:
        super().__init__(exception_name(code))
        self.code = code
