"""The REST face."""

from sonotype.api.http.app import create_app

__all__ = ["create_app"]
