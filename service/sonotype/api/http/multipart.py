"""A multipart form with one file, parsed while it arrives.

A part named `file` is taken and, where a route wants it, one part of JSON. The name of the file is neither kept nor
logged nor used; any other part ends the request, so that a form of a thousand parts costs no more than one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from sonotype.core.errors import Code, SonotypeError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"
# Boundaries, part headers and preamble of an honest form take well under a kilobyte.
OVERHEAD_BYTES = 16 * 1024


class FilePart:
    """Feeds the bytes of the one file part to `on_data`, and of a part of JSON to `on_json`.

    Args:
        content_type: the request's Content-Type.
        on_data: called with each piece of the file; may raise.
        json_field: the name of the part of JSON; None where the form has none.
        on_json: called with each piece of it; may raise.

    Raises:
        SonotypeError: `invalid_request` for a malformed form or another part.
    """

    def __init__(
        self,
        content_type: str,
        on_data: Callable[[bytes], None],
        json_field: str | None = None,
        on_json: Callable[[bytes], None] | None = None,
    ) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _invalid("The multipart form names no boundary.")
        self._takers = {FIELD: on_data} | ({json_field: on_json} if json_field and on_json else {})
        self._names = " and ".join(f"`{name}`" for name in self._takers)
        self._seen: set[str] = set()
        self._take = on_data
        self._ended = False
        self._name = b""
        self._value = b""
        self._disposition = b""
        self._overhead = 0
        try:
            self._parser = MultipartParser(boundary, callbacks=self._callbacks())
        except FormParserError:
            raise _invalid("The boundary of the multipart form is malformed.") from None

    def feed(self, chunk: bytes) -> None:
        """Parse the next piece of the body."""
        self._overhead += len(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _invalid("The multipart form is malformed.") from None
        if self._overhead > OVERHEAD_BYTES:
            raise _invalid("The multipart form holds more than its file.")

    def finish(self) -> None:
        """Check that the form was complete."""
        if not self._ended:
            raise _invalid("The multipart form breaks off before its end.")
        if FIELD not in self._seen:
            raise _invalid("The multipart form has no part named `file`.")

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._disposition = b""
        if len(self._seen) == len(self._takers):
            raise _invalid(self._only("A request carries one file"))

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name", b"").decode("latin-1")
        taker = self._takers.get(name)
        if taker is None or name in self._seen:
            raise _invalid(self._only("The form has another field, or one twice"))
        self._seen.add(name)
        self._take = taker

    def _only(self, what: str) -> str:
        return f"{what}: {self._names} may be sent once; other options belong in the query string."

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._overhead -= end - start
        self._take(data[start:end])

    def _end(self) -> None:
        self._ended = True


def _invalid(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
