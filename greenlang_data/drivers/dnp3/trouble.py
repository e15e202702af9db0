"""What can go wrong with an outstation, in words."""

from __future__ import annotations

import ssl
from typing import NamedTuple

from greenlang_data.drivers.address import Address
from greenlang_data.drivers.dnp3.indications import refusal
from greenlang_data.errors import (
    AuthenticationError,
    ProtocolError,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
)


class Trouble(NamedTuple):
    """Makes the errors of one outstation."""

    source: str
    endpoint: Address

    def late(self, what: str) -> SourceTimeout:
        """It did not do ``what`` in time."""
        return SourceTimeout(
            f"{self.endpoint} did not {what}",
            source=self.source,
            remedy="Check the address, outstation_address and master_address (an outstation is "
            "silent to others), or raise timeout_seconds and response_timeout_seconds.",
        )

    def broken(self, how: str) -> ProtocolError:
        """An answer that the protocol does not allow."""
        return ProtocolError(
            f"{self.endpoint} sent a broken answer: {how}",
            source=self.source,
            remedy="Nothing of it was used; check that DNP3 is served there.",
        )

    def refused(self, what: str, bits: int, remedy: str) -> ProtocolError:
        """An answer whose indications say that the outstation did not do ``what``."""
        return ProtocolError(
            f"{self.endpoint} refused to {what}: {refusal(bits)}",
            source=self.source,
            remedy=remedy,
        )

    def lost(self, how: str) -> SourceUnreachable:
        """The connection is of no use any more."""
        return SourceUnreachable(
            f"the connection to {self.endpoint} {how}",
            source=self.source,
            remedy="Connect again.",
        )

    def no_connection(self, error: OSError | UnicodeError) -> SourceError:
        """Nobody there, or nobody to be trusted."""
        reason = getattr(error, "strerror", None) or error
        if isinstance(error, ssl.SSLError):
            return AuthenticationError(
                f"TLS with {self.endpoint} failed: {reason}",
                source=self.source,
                remedy="Check ca_certificate_path, the host's name in the outstation's "
                "certificate, and the client's own certificate.",
            )
        return SourceUnreachable(
            f"cannot connect to {self.endpoint}: {reason}",
            source=self.source,
            remedy="Check the address, and that the outstation is on and serves DNP3 there.",
        )
