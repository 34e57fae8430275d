"""How long, how many and how large: the numbers that every face and the plane hold a request to."""

from __future__ import annotations

# identifiers: characters that need no escaping in a path; a name of dots alone would be taken for a folder by clients
MAX_TRACK_ID = 128
TRACK_ID = r"^\.*[A-Za-z0-9_:~-][A-Za-z0-9._:~-]*$"
MAX_COLLECTION = 64
COLLECTION = r"^[A-Za-z0-9._-]+$"
MAX_IDEMPOTENCY_KEY = 255
IDEMPOTENCY_KEY = r"^[\x21-\x7e]+$"
# text may hold anything but NUL, at which programs in C end a string
TEXT = r"^[^\x00]*$"

# metadata
MAX_TEXT = 512
MAX_EXTERNAL_ID = 1024
MAX_TAGS = 64
MAX_TAG = 64
MAX_EXTRA_BYTES = 8 * 1024
MAX_YEAR = 9999
MAX_DURATION_S = 7 * 86400.0
MAX_TEMPO_BPM = 1000.0
MBID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
ISRC = r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$"
MAX_DIM = 4096

# queries
MAX_K = 500
MAX_PATH = 100
MAX_SEEDS = 64
MAX_WEIGHT = 1000.0
MAX_FILTER_VALUES = 64
MAX_EXCLUDED = 1000
MAX_PER = 1000
MAX_WITHIN = 10.0
MAX_ARTIST_GAP = 50
MAX_RANDOM_SEED = 2**31 - 1

# lists and jobs
MAX_LIMIT = 200
MAX_CURSOR = 1024
MAX_JOB_PATH = 4096
MAX_GENERATION = 256
