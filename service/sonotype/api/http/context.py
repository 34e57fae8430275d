"""What a route finds in its app."""

from __future__ import annotations

from starlette.requests import Request

from sonotype.core.settings import Settings
from sonotype.plane.port import Plane


def plane_of(request: Request) -> Plane:
    """The plane that this app is a face of."""
    plane: Plane = request.app.state.plane
    return plane


def settings_of(request: Request) -> Settings:
    """The settings of the deployment."""
    settings: Settings = request.app.state.settings
    return settings


def request_id_of(request: Request) -> str:
    """The id of this request, as the edge decided it."""
    return str(request.scope["sonotype.request_id"])
