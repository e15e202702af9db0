"""Whom a TLS connection trusts, and as whom it shows itself."""

from __future__ import annotations

import ssl

from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.modbus import ModbusSettings


def tls_context(config: ModbusSettings, source: str) -> ssl.SSLContext:
    """TLS 1.2 or newer; the server's certificate and host name are verified.

    Raises ConfigurationError for files that are not there or hold no certificate or key.
    """
    authorities = config.ca_certificate_path
    try:
        context = ssl.create_default_context(cafile=authorities)
    except (OSError, ValueError) as error:
        raise _wrong("ca_certificate_path", authorities, error, source) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.allow_unverified_certificate:
        if authorities is not None:
            raise ConfigurationError(
                "ca_certificate_path does nothing with allow_unverified_certificate",
                source=source,
                remedy="Remove one of them.",
            )
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _show_certificate(context, config, source)
    return context


def _show_certificate(context: ssl.SSLContext, config: ModbusSettings, source: str) -> None:
    certificate, key = config.certificate_path, config.private_key_path
    if certificate is None:
        if key is not None:
            raise ConfigurationError(
                "private_key_path needs certificate_path", source=source, remedy="Give both."
            )
        return
    try:
        # The callback keeps OpenSSL from asking for a password on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise _wrong("certificate_path or private_key_path", certificate, error, source) from error


def _wrong(key: str, path: str | None, error: Exception, source: str) -> ConfigurationError:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return ConfigurationError(
        f"{key} cannot be used ({path}): {reason}",
        source=source,
        remedy="It has to be a PEM file, and a key one without a password.",
    )
