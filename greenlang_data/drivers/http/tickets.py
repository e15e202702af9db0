"""What is wrong with a Kerberos login, in a sentence, and what to do about it."""

from __future__ import annotations

from typing import Final, NamedTuple

_NO_CREDENTIALS: Final = 0x0007_0000  # GSS_S_NO_CRED
_EXPIRED: Final = (0x000B_0000, 0x000C_0000)  # the credentials, or the context made with them
_FIRST: Final = -1_765_328_384  # of the error codes of Kerberos 5 (com_err's table "krb5")
_WRAPPED: Final = 2**32

_AGAIN: Final = "Run kinit again, or give username and password."
_WHO: Final = "Check username (user@REALM) and password."
_WHERE: Final = "Check the realm in krb5.conf, the network, and that its KDC is up."


class Trouble(NamedTuple):
    """One sentence, and the remedy."""

    what: str
    remedy: str


EXPIRED: Final = Trouble("the Kerberos ticket has expired", _AGAIN)
_KNOWN: Final = {
    6: Trouble("the realm does not know this user", _WHO),
    18: Trouble("the realm has locked this user", "Ask whoever runs the realm."),
    23: Trouble("the password has expired", "Change it, with kpasswd for example."),
    24: Trouble("the password is wrong", _WHO),
    31: Trouble("the password is wrong", _WHO),
    32: EXPIRED,
    37: Trouble("the clocks of this machine and the realm differ too much", "Set the clock."),
    156: Trouble("no KDC of the realm answers", _WHERE),
}


def trouble(error: BaseException, host: str) -> Trouble:
    """What ``error`` means, which the system's Kerberos raised on the way to HTTP/``host``."""
    cause = getattr(error, "base_error", None) or error
    major = getattr(cause, "maj_code", 0) or 0
    code = _kerberos_code(cause)
    if code == 7:
        return Trouble(
            f"the realm has no service HTTP/{host}",
            "Use the name that the service is registered with (its SPN) in the address.",
        )
    if code in _KNOWN:
        return _KNOWN[code]
    if major & 0xFFFF_0000 == _NO_CREDENTIALS:
        return Trouble("there is no Kerberos ticket", "Run kinit, or give username and password.")
    if major & 0xFFFF_0000 in _EXPIRED:
        return EXPIRED
    return Trouble(f"Kerberos gives no ticket for HTTP/{host}: {_words(cause)}", _WHERE)


def _kerberos_code(error: BaseException) -> int | None:
    """The number of the error in Kerberos' own table, wherever a library keeps it."""
    code = getattr(error, "err_code", None)
    if code is None:
        code = getattr(error, "min_code", None)
    if not isinstance(code, int):
        return None
    return (code - _WRAPPED if code >= _WRAPPED // 2 else code) - _FIRST


def _words(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return said if said.isprintable() and len(said) <= 300 else type(error).__name__
