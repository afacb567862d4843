"""Signatures: an Ed25519 signature over manifest.json, and so over the sha256 of every file that it lists.

Checksums find accidents; a signature finds whoever changed files and manifest together but does not have the key.
`manifest.sig` is JSON with the signature, the signer's public key and the sha256 of the manifest it is of. A verifier must bring
the public key it trusts: the one in the file only says which it was. Extra `sign` (cryptography).
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tokenfoundry.errors import InputError
from tokenfoundry.io.atomic import write_atomic

__all__ = ["SIGNATURE", "check_signature", "new_key", "sign"]

SIGNATURE = "manifest.sig"
_FORMAT = "tokenfoundry.signature"


def _cryptography() -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise InputError("signatures need the package cryptography; pip install 'tokenfoundry[sign]'") from None
    return serialization, ed25519


def new_key(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write a private key (PEM, readable by its owner only) and beside it its public key (``.pub``); their paths."""
    serialization, ed25519 = _cryptography()
    private = Path(path)
    public = private.with_name(f"{private.name}.pub")
    for target in (private, public):
        if target.exists():
            raise InputError(f"{target}: exists already; a key is never overwritten")
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    write_atomic(
        public,
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )
    return private, public


def _private_key(path: Path) -> Any:
    serialization, ed25519 = _cryptography()
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: is no private key in PEM without a password: {error}") from None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InputError(f"{path}: is no Ed25519 key; `tokenfoundry key new` makes one")
    return key


def _public_key(path: Path) -> Any:
    serialization, ed25519 = _cryptography()
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: is no public key in PEM: {error}") from None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise InputError(f"{path}: is no Ed25519 public key")
    return key


def sign(output: str | os.PathLike[str], key: str | os.PathLike[str]) -> Path:
    """Sign a finished run with a private key; the signature's path. An earlier signature is replaced."""
    folder = Path(output)
    serialization, _ = _cryptography()
    private = _private_key(Path(key))
    manifest = (folder / "manifest.json").read_bytes()
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    content = {
        "format": _FORMAT,
        "algorithm": "Ed25519",
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "public_key": base64.b64encode(public).decode(),
        "signature": base64.b64encode(private.sign(manifest)).decode(),
    }
    write_atomic(folder / SIGNATURE, json.dumps(content, indent=1) + "\n")
    return folder / SIGNATURE


def _decoded(text: str) -> bytes:
    """Base64 as we write it. The last character has bits that decoding ignores; one that is set is damage all the same."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("base64 with bits that stand for nothing")
    return raw


def check_signature(output: Path, key: Path | None) -> list[str]:
    """Problems of a run's signature; with ``key``, a public key in PEM, also if there is none or it is another's."""
    path = output / SIGNATURE
    if not path.exists():
        return [] if key is None else [f"{SIGNATURE}: is missing; the run is not signed"]
    from cryptography.exceptions import InvalidSignature

    serialization, ed25519 = _cryptography()
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT or content["algorithm"] != "Ed25519":
            raise ValueError("its format is unknown")
        raw = _decoded(content["public_key"])
        signature = _decoded(content["signature"])
        claimed = content["manifest_sha256"]
        named = ed25519.Ed25519PublicKey.from_public_bytes(raw)
        if path.read_text() != json.dumps(content, indent=1) + "\n":
            raise ValueError("it is not as it was written")
    except (ValueError, KeyError, TypeError) as error:
        return [f"{SIGNATURE}: is damaged: {error}"]
    manifest = (output / "manifest.json").read_bytes()
    if claimed != hashlib.sha256(manifest).hexdigest():
        return [f"{SIGNATURE}: is of another manifest; the run was changed since it was signed"]
    if key is not None:
        trusted = _public_key(key).public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        if trusted != raw:
            return [f"{SIGNATURE}: was made with another key than {key}"]
    try:
        named.verify(signature, manifest)
    except InvalidSignature:
        return [f"{SIGNATURE}: the signature does not fit the manifest"]
    return []
