"""Every bound of the catalogue, so that REST, gRPC and the command line refuse the same with the same words.

`check_track` and `check_query` hold requests against these numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sonotype.core.errors import Code, SonotypeError

MAX_ID = 128
MAX_COLLECTION = 64
MAX_NAME = 512
MAX_EXTERNAL_ID = 2048
MAX_SOURCE = 8192
MAX_TAGS, MAX_TAG = 64, 64
MAX_EXTRA_BYTES = 8 * 1024
MAX_YEAR = 9999
MAX_DURATION_S = 14 * 86400.0
MAX_TEMPO_BPM = 1000.0
MAX_DIM = 16384
MAX_IDEMPOTENCY_KEY = 255

MAX_K = 500
MAX_LIMIT = 200
MAX_SEEDS = 64
MAX_WEIGHT = 100.0
MAX_FILTER_VALUES = 64
MAX_BOUND = 1e15  # of a range: more than any of the numbers, and still exact as a float
MAX_EXCLUDED = 1000
MAX_RELATIVE = 10.0
MIN_PATH, MAX_PATH = 2, 100
MAX_PLAYLIST = 500
MAX_GAP = 50
MAX_RANDOM_SEED = 2**31 - 1
MAX_CURSOR = 1024

# characters that need no escaping in a URL; a name of dots alone would be taken for a folder
ID = re.compile(r"\.*[A-Za-z0-9_:~-][A-Za-z0-9._:~-]*")
COLLECTION = re.compile(r"[A-Za-z0-9._-]+")
MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_KEY = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def invalid(detail: str) -> SonotypeError:
    """The error of a request that breaks a rule."""
    return SonotypeError(Code.INVALID_REQUEST, detail)


def check_id(track_id: str, what: str = "A track id") -> None:
    """1-128 characters that need no escaping in a URL. Raises `invalid_request`."""
    if len(track_id) > MAX_ID or not ID.fullmatch(track_id):
        raise invalid(f"{what} has 1 to {MAX_ID} characters: letters, digits and . _ : ~ - but not only dots.")


def check_collection(name: str) -> None:
    """The name of a collection. Raises `invalid_request`."""
    if len(name) > MAX_COLLECTION or not COLLECTION.fullmatch(name):
        raise invalid(f"The name of a collection has 1 to {MAX_COLLECTION} characters: letters, digits, . _ and -")


def check_text(text: str, longest: int, what: str) -> None:
    """Text that can be stored and shown. Raises `invalid_request`."""
    if len(text) > longest:
        raise invalid(f"{what} may have at most {longest} characters, not {len(text)}.")
    if _CONTROL.search(text) or _has_surrogate(text):
        raise invalid(f"{what} holds characters that are not text.")


def check_texts(texts: Sequence[str], most: int, longest: int, what: str) -> None:
    """Several of them. Raises `invalid_request`."""
    if len(texts) > most:
        raise invalid(f"There may be at most {most} {what}, not {len(texts)}.")
    for text in texts:
        check_text(text, longest, f"One of the {what}")
        if not text:
            raise invalid(f"One of the {what} is empty.")


def check_number(value: float, low: float, high: float, what: str) -> None:
    """A finite number of a closed range. Raises `invalid_request`."""
    if not low <= value <= high:  # which neither NaN nor any infinity does
        raise invalid(f"{what} must lie between {low:g} and {high:g}.")


def check_limit(limit: int) -> None:
    """The length of a page. Raises `invalid_request`."""
    check_number(limit, 1, MAX_LIMIT, "limit")


def check_cursor(cursor: str | None) -> None:
    """What continues a list. Raises `invalid_request`."""
    if cursor is not None:
        check_text(cursor, MAX_CURSOR, "The cursor")


def check_idempotency_key(key: str) -> None:
    """Printable ASCII, as a header takes it. Raises `invalid_request`."""
    if len(key) > MAX_IDEMPOTENCY_KEY or not _KEY.fullmatch(key):
        raise invalid(f"An idempotency key has 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters.")


def _has_surrogate(text: str) -> bool:
    """JSON can smuggle in half a character, which no database takes."""
    return any("\ud800" <= character <= "\udfff" for character in text)
