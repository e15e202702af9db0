"""Signed JSON web tokens (RFC 7519), with which a client proves itself without a shared secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.secret import Secret

_P256_BYTES = 32


def signed_assertion(
    claims: Mapping[str, Any], key: Secret, algorithm: str, key_id: str | None, source: str
) -> str:
    """``claims`` as a compact JWT of RS256, PS256 or ES256.

    Raises ConfigurationError when the key is no PEM key or not one for that algorithm.
    """
    header = {"alg": algorithm, "typ": "JWT", **({"kid": key_id} if key_id else {})}
    text = b".".join(_encoded(json.dumps(part).encode()) for part in (header, dict(claims)))
    signature = _signature(_loaded(key, source), algorithm, text)
    if signature is None:
        raise ConfigurationError(
            f"the private key is not one for {algorithm}",
            source=source,
            remedy="Set jwt_algorithm to RS256 or PS256 for an RSA key, ES256 for one on P-256.",
        )
    return b".".join([text, _encoded(signature)]).decode()


def _signature(key: Any, algorithm: str, text: bytes) -> bytes | None:
    if algorithm == "ES256":
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            return None
        pair = decode_dss_signature(key.sign(text, ECDSA(SHA256())))
        return b"".join(number.to_bytes(_P256_BYTES, "big") for number in pair)
    if not isinstance(key, RSAPrivateKey):
        return None
    if algorithm == "PS256":
        return key.sign(text, PSS(MGF1(SHA256()), SHA256().digest_size), SHA256())
    return key.sign(text, PKCS1v15(), SHA256())


def _loaded(key: Secret, source: str) -> Any:
    try:
        return load_pem_private_key(key.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "the private key is no unencrypted PEM key", source=source, remedy="Give one."
        ) from None


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
