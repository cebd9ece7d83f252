"""Ed25519 signature of a bundle's head, which whoever has the public key can verify, also with openssl."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlmon.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_HINT = (
    "make a pair with `openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out key.pub`"
)


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key from a PEM file.

    Raises:
        ConfigError: the file cannot be read, or holds no unencrypted Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - heavy, for those who sign
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} holds no private key that can be read without a password.", hint=_HINT) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} holds a private key of another kind than Ed25519.", hint=_HINT)
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key from a PEM file.

    Raises:
        ConfigError: the file cannot be read, or holds no public Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - heavy, for those who verify one
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} holds no public key.", hint=_HINT) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path} holds a public key of another kind than Ed25519.", hint=_HINT)
    return key


def is_signed_by(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Return whether the owner of a key has signed a content."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - heavy

    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the key: {error.strerror}.") from error
