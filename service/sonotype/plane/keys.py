"""API keys: who may call, told apart in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256

from pydantic import SecretStr

from sonotype.core.errors import Code, SonotypeError


class KeyRing:
    """The accepted API keys, kept as hashes. Without any the service is open."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._digests = [sha256(key.get_secret_value().encode()).digest() for key in keys]

    def client(self, key: str | None) -> str | None:
        """Client id for quotas: the first bytes of the key's hash; `None` where the service is open.

        Raises:
            SonotypeError: `unauthenticated`; a missing and a wrong key take the same time and the same answer.
        """
        if not self._digests:
            return None
        # a key out of JSON may hold what no encoding knows; it is as wrong as any other
        digest = sha256((key or "").encode(errors="surrogatepass")).digest()
        # No short cut: every key is compared, so that timing tells nothing about which one nearly matched.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        if not any(matches):
            raise SonotypeError(Code.UNAUTHENTICATED, "Send a valid API key as `Authorization: Bearer …`.")
        return f"key-{digest[:4].hex()}"
