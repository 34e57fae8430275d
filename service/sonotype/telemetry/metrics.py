"""Every collector of the service, in one place, so that names and labels can be read, documented and tested.

Base units (seconds, bytes), `_total` on counters, and labels whose values are bounded by configuration or by
an enumeration: never a file name, an address or a key. `sonotype_queue_audio_seconds` is the one to scale on:
seconds of waiting audio predict delay, a count of requests does not.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

# From a cache hit (about a millisecond) to an hour-long file on one core.
LATENCY_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
PHASE_BUCKETS_S = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)
CACHE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
SEARCH_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
ITEM_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FRAME_BUCKETS = (187, 374, 748, 1496, 2992, 5984, 11968, 23936, 47872)
RATIO_BUCKETS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)

# Faces.
HTTP_REQUESTS = Counter("sonotype_http_requests_total", "REST requests answered.", ["route", "method", "code"])
GRPC_REQUESTS = Counter("sonotype_grpc_requests_total", "gRPC calls answered.", ["method", "code"])
REQUEST_SECONDS = Histogram(
    "sonotype_request_duration_seconds",
    "From the first byte of a request to the last byte of its answer.",
    ["route"],
    buckets=LATENCY_BUCKETS_S,
)
REQUESTS_IN_FLIGHT = Gauge("sonotype_requests_in_flight", "Requests being answered now.", ["route"])
REJECTED = Counter(
    "sonotype_rejected_total",
    "Refused before any work: queue_full, deadline, rate, too_large, too_long, unsupported, draining.",
    ["reason"],
)

# The way of one request.
PHASE_SECONDS = Histogram(
    "sonotype_phase_duration_seconds",
    "Time in one phase: receive, hash, cache, decode, queue, frontend, network, aggregate, store.",
    ["phase"],
    buckets=PHASE_BUCKETS_S,
)
ADMITTED_AUDIO_S = Gauge("sonotype_admitted_audio_seconds", "Seconds of audio that hold a permit now.")
QUEUE_DEPTH = Gauge("sonotype_queue_depth", "Patches waiting for a batch.", ["model", "lane"])
QUEUE_AUDIO_S = Gauge("sonotype_queue_audio_seconds", "Seconds of audio waiting for a batch.", ["model", "lane"])
QUEUE_OLDEST_S = Gauge("sonotype_queue_oldest_age_seconds", "Age of the longest-waiting patch.", ["model"])
BATCH_ITEMS = Histogram("sonotype_batch_items", "Patches in one batch.", ["model"], buckets=ITEM_BUCKETS)
BATCH_FRAMES = Histogram("sonotype_batch_frames", "Spectrogram frames in one batch.", ["model"], buckets=FRAME_BUCKETS)
BATCH_PADDING = Histogram(
    "sonotype_batch_padding_ratio",
    "Share of a batch's frames that are padding or repetition.",
    ["model"],
    buckets=RATIO_BUCKETS,
)
BATCH_CLOSE = Counter(
    "sonotype_batch_close_total", "Why a batch was closed: full, delay, idle, deadline.", ["model", "why"]
)
ABANDONED = Counter(
    "sonotype_abandoned_total", "Patches whose caller left while they were queued or running.", ["where"]
)
ITEM_FAILURES = Counter("sonotype_item_failures_total", "Items that failed alone, by domain code.", ["model", "kind"])

# Cache.
CACHE_LOOKUPS = Counter(
    "sonotype_cache_lookups_total",
    "Lookups by tier (memory, sqlite, redis) and result (hit, miss, error, bypass).",
    ["tier", "result"],
)
SINGLEFLIGHT_JOINED = Counter(
    "sonotype_singleflight_joined_total",
    "Requests that shared a computation already under way, here or in another process.",
)
CACHE_OP_SECONDS = Histogram(
    "sonotype_cache_op_seconds",
    "Time of one operation on the shared store: get, put, lock, unlock.",
    ["op"],
    buckets=CACHE_BUCKETS_S,
)
CACHE_BREAKER_OPEN = Gauge("sonotype_cache_breaker_open", "1 while the shared store is passed by because it fails.")
CACHE_CORRUPT = Counter(
    "sonotype_cache_corrupt_total", "Cached values that failed their checksum and were taken as a miss."
)

# Decoder.
DECODE_FAILURES = Counter("sonotype_decode_failures_total", "Uploads refused by the decoder.", ["kind"])
DECODED_AUDIO_S = Counter("sonotype_decoded_audio_seconds_total", "Seconds of audio decoded.")
DECODE_KILLED = Counter(
    "sonotype_decode_killed_total",
    "Decoder children stopped at a limit (cpu, memory, bytes, wall) or lost to a crash.",
    ["limit"],
)

# Workers.
WORKER_UP = Gauge("sonotype_worker_up", "1 while a worker process is loaded and answering.", ["model", "worker"])
WORKER_RESTARTS = Counter(
    "sonotype_worker_restarts_total", "Worker restarts: crash, hang, cuda, load.", ["model", "why"]
)
WORKER_ROW_LIMIT = Gauge(
    "sonotype_worker_row_limit",
    "Most patches a worker takes in one batch; lower after it ran out of memory.",
    ["worker"],
)
QUARANTINED = Counter("sonotype_quarantined_total", "Uploads quarantined after they killed a worker twice.")
MODEL_INFO = Gauge(
    "sonotype_model_info",
    "Always 1; the models being served.",
    ["model", "version", "sha256", "dtype", "device"],
)
LINEUPS = Gauge(
    "sonotype_lineups", "Sets of workers that run: 1, and more while requests finish with models that were replaced."
)
MODEL_CHANGES = Counter(
    "sonotype_model_changes_total",
    "Models loaded, rolled back or unloaded while the service ran, by outcome: done, or a domain code.",
    ["action", "outcome"],
)

# Sonification.
SONIFICATIONS = Counter(
    "sonotype_sonifications_total",
    "Sonifications by lane (interactive, background) and outcome: done, cancelled, or a domain code.",
    ["lane", "outcome"],
)
SONIFY_SECONDS = Histogram(
    "sonotype_sonify_duration_seconds",
    "Time of a sonification: queue (waiting), first (from its start to its first block), total (from its start).",
    ["phase"],
    buckets=PHASE_BUCKETS_S,
)
SONIFY_QUEUE = Gauge("sonotype_sonify_queue_depth", "Sonifications with a listener that wait for their turn.")
SONIFY_UP = Gauge("sonotype_sonify_up", "1 while the sonification process runs.")
SONIFY_RESTARTS = Counter(
    "sonotype_sonify_restarts_total", "Accidents of the sonification process: crash, hang, load.", ["why"]
)
RENDERINGS = Counter(
    "sonotype_renderings_total",
    "Renderings of prototypes by where they came from: memory, disk, made, damaged (on disk, and made again).",
    ["source"],
)

# Catalogue.
CATALOG_TRACKS = Gauge("sonotype_catalog_tracks", "Tracks in the catalogue.")
CATALOG_STALE_TRACKS = Gauge("sonotype_catalog_stale_tracks", "Tracks without an embedding by the configured model.")
CATALOG_SEARCH_SECONDS = Histogram(
    "sonotype_catalog_search_seconds",
    "Time of one search in the engine: plain, filtered, exact, each with the vectors that ranking needs.",
    ["kind"],
    buckets=SEARCH_BUCKETS_S,
)
CATALOG_INDEX_DEGRADED = Gauge(
    "sonotype_catalog_index_degraded", "1 while searches are slower because an index is being rebuilt."
)
CATALOG_INDEX_POSITIONS = Gauge(
    "sonotype_catalog_index_positions", "Positions of the indexes: live, or dead until they are compacted.", ["state"]
)
CATALOG_SNAPSHOT_AGE_S = Gauge(
    "sonotype_catalog_snapshot_age_seconds",
    "Seconds since an index was written to disk; of the oldest where there are several.",
)
CATALOG_INDEX_RECALL = Gauge(
    "sonotype_catalog_index_recall_sampled", "Share of the exact ten nearest that the index finds, for a few tracks."
)
CATALOG_JOBS = Gauge("sonotype_catalog_jobs", "Jobs that wait or run.", ["state"])
CATALOG_JOB_FILES = Counter("sonotype_catalog_job_files_total", "Files of jobs by what became of them.", ["state"])

# Live tagging.
LIVE_SESSIONS = Gauge("sonotype_live_sessions", "Live sessions that are open.")
LIVE_ANSWERS = Counter("sonotype_live_answers_total", "Answers of live sessions.")
LIVE_LAG_S = Histogram(
    "sonotype_live_lag_seconds",
    "From the arrival of the last sample of a patch to its answer.",
    buckets=PHASE_BUCKETS_S,
)
LIVE_ENDED = Counter(
    "sonotype_live_ended_total",
    "Live sessions by face (websocket, grpc) and by why they ended: done, left, or a domain code.",
    ["face", "why"],
)
