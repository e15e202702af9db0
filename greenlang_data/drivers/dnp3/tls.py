"""TLS to an outstation: verified, with the client's certificate where one is asked for."""

from __future__ import annotations

import ssl

from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.dnp3 import Dnp3Settings


def tls_context(config: Dnp3Settings) -> ssl.SSLContext | None:
    """The context for a connection, or None for plain TCP.

    Raises ConfigurationError for a file that is missing or holds nothing of use.
    """
    if not config.tls:
        for name in ("ca_certificate_path", "certificate_path", "private_key_path"):
            if getattr(config, name) is not None:
                raise ConfigurationError(
                    f"{name} does nothing without tls",
                    source=config.connector_id,
                    remedy="Set tls = true, or remove it.",
                )
        return None
    try:
        context = ssl.create_default_context(cafile=config.ca_certificate_path)
        if config.certificate_path is not None:
            context.load_cert_chain(config.certificate_path, config.private_key_path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"a certificate or key cannot be used: {error}",
            source=config.connector_id,
            remedy="Check the paths; the files must be PEM, and the key without a password.",
        ) from error
    return context
