"""Small steps between fields of protobuf and our own values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from sonotype.api.grpc.enums import named


def given(message: Message, *names: str) -> dict[str, Any]:
    """The fields that the client set, by name; those with explicit presence only."""
    return {name: getattr(message, name) for name in names if message.HasField(name)}


def filled(message: Message, *names: str) -> dict[str, Any]:
    """The texts that are not empty, by name."""
    return {name: getattr(message, name) for name in names if getattr(message, name)}


def chosen(message: Message, **choices: Mapping[str, Any]) -> dict[str, str]:
    """Our words for the numbers that are not `UNSPECIFIED`. Raises `invalid_request` for unknown ones."""
    numbers = {name: getattr(message, name) for name in choices}
    return {name: named(name, choices[name], number) for name, number in numbers.items() if number}


def timestamp(when: datetime | None) -> Timestamp | None:
    """A point in time."""
    if when is None:
        return None
    moment = Timestamp()
    moment.FromDatetime(when)
    return moment
