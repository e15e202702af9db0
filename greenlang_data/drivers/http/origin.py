"""Where a URL leads to: nothing that carries a login may lead anywhere else."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from greenlang_data.errors import ConfigurationError, ProtocolError

_PORTS = {"http": 80, "https": 443}
_NOT_FOLLOWED = (
    "Nothing was sent there: tell its operator, or look for a proxy that rewrites links."
)


class Origin(NamedTuple):
    """Scheme, host and port, which together are one server."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if _PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this very machine, which nobody listens in on."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def in_clear_text(self) -> bool:
        """Whether others on the way could read along."""
        return self.scheme == "http" and not self.is_loopback


def origin_of(url: str) -> Origin:
    """The origin of an absolute URL. Raises ValueError for what is no http or https URL."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("it is no http:// or https:// address")
    return Origin(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])


def checked_url(url: str, key: str, source: str) -> str:
    """A configured URL without its trailing slash.

    Raises ConfigurationError, naming ``key``, when it is none, or has a login, query or fragment.
    """
    try:
        origin_of(url)
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise ValueError("it holds a login; give username and password instead")
        if parts.query or parts.fragment:
            raise ValueError("it has a query or fragment")
    except ValueError as error:
        raise ConfigurationError(
            f"{key} cannot be used: {error}",
            source=source,
            remedy="Write for example https://host.example.com.",
        ) from None
    return url.rstrip("/")


def followed(base: str, link: str, source: str) -> str:
    """The absolute URL of a redirect or next ``link`` met at ``base``.

    Raises ProtocolError when it leads to another origin, which must not see the login, or when
    another reader might find another host in it.
    """
    try:
        target = urljoin(base, link)
        there, here = origin_of(target), origin_of(base)
    except ValueError:
        raise ProtocolError(
            "it links to something that is no web address", source=source, remedy=_NOT_FOLLOWED
        ) from None
    if not target.isprintable() or set("\\@") & set(urlsplit(target).netloc):
        # In http://a\@b/ urllib3, which connects, reads the host a, and urlsplit the host b.
        raise ProtocolError(
            "it links to an address that reads in two ways", source=source, remedy=_NOT_FOLLOWED
        )
    if there != here:
        raise ProtocolError(
            f"it leads on to another server ({there}), which is not asked: it would get the login",
            source=source,
            remedy=f"If {there} is right, configure it as the address; else tell its operator.",
        )
    return target
