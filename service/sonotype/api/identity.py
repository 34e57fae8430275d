"""Who is calling: the same rule for headers and for gRPC metadata."""

from __future__ import annotations

from collections.abc import Mapping


def api_key(fields: Mapping[str, str]) -> str | None:
    """The API key from `authorization: Bearer KEY` or `x-api-key: KEY` (lower-case names), if there is one."""
    scheme, _, token = fields.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return fields.get("x-api-key") or None
