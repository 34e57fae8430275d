import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sonotype.api.grpc.gen import sonotype_pb2 as _sonotype_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Hubness(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HUBNESS_UNSPECIFIED: _ClassVar[Hubness]
    HUBNESS_MUTUAL_PROXIMITY: _ClassVar[Hubness]
    HUBNESS_NONE: _ClassVar[Hubness]

class PlaylistOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLAYLIST_ORDER_UNSPECIFIED: _ClassVar[PlaylistOrder]
    PLAYLIST_ORDER_SIMILARITY: _ClassVar[PlaylistOrder]
    PLAYLIST_ORDER_SMOOTH: _ClassVar[PlaylistOrder]
    PLAYLIST_ORDER_RANDOM: _ClassVar[PlaylistOrder]

class JobKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_KIND_UNSPECIFIED: _ClassVar[JobKind]
    JOB_KIND_INGEST: _ClassVar[JobKind]
    JOB_KIND_REEMBED: _ClassVar[JobKind]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_COMPLETED: _ClassVar[JobState]
    JOB_STATE_COMPLETED_WITH_ERRORS: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]

class FileState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FILE_STATE_UNSPECIFIED: _ClassVar[FileState]
    FILE_STATE_PENDING: _ClassVar[FileState]
    FILE_STATE_STORED: _ClassVar[FileState]
    FILE_STATE_UNCHANGED: _ClassVar[FileState]
    FILE_STATE_SKIPPED: _ClassVar[FileState]
    FILE_STATE_FAILED: _ClassVar[FileState]
HUBNESS_UNSPECIFIED: Hubness
HUBNESS_MUTUAL_PROXIMITY: Hubness
HUBNESS_NONE: Hubness
PLAYLIST_ORDER_UNSPECIFIED: PlaylistOrder
PLAYLIST_ORDER_SIMILARITY: PlaylistOrder
PLAYLIST_ORDER_SMOOTH: PlaylistOrder
PLAYLIST_ORDER_RANDOM: PlaylistOrder
JOB_KIND_UNSPECIFIED: JobKind
JOB_KIND_INGEST: JobKind
JOB_KIND_REEMBED: JobKind
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_COMPLETED: JobState
JOB_STATE_COMPLETED_WITH_ERRORS: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState
FILE_STATE_UNSPECIFIED: FileState
FILE_STATE_PENDING: FileState
FILE_STATE_STORED: FileState
FILE_STATE_UNCHANGED: FileState
FILE_STATE_SKIPPED: FileState
FILE_STATE_FAILED: FileState

class PutTrackRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: PutTrackOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[PutTrackOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class PutTrackOptions(_message.Message):
    __slots__ = ("id", "metadata", "embedding", "embedding_of", "idempotency_key", "lane", "timeout_s")
    ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_OF_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    id: str
    metadata: TrackMetadata
    embedding: _containers.RepeatedScalarFieldContainer[float]
    embedding_of: str
    idempotency_key: str
    lane: _sonotype_pb2.Lane
    timeout_s: float
    def __init__(self, id: _Optional[str] = ..., metadata: _Optional[_Union[TrackMetadata, _Mapping]] = ..., embedding: _Optional[_Iterable[float]] = ..., embedding_of: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., lane: _Optional[_Union[_sonotype_pb2.Lane, str]] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class TrackMetadata(_message.Message):
    __slots__ = ("collection", "external_id", "title", "artist", "album", "year", "duration_s", "tempo_bpm", "mbid", "isrc", "tags", "extra_json")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    ALBUM_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    TEMPO_BPM_FIELD_NUMBER: _ClassVar[int]
    MBID_FIELD_NUMBER: _ClassVar[int]
    ISRC_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    EXTRA_JSON_FIELD_NUMBER: _ClassVar[int]
    collection: str
    external_id: str
    title: str
    artist: str
    album: str
    year: int
    duration_s: float
    tempo_bpm: float
    mbid: str
    isrc: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    extra_json: str
    def __init__(self, collection: _Optional[str] = ..., external_id: _Optional[str] = ..., title: _Optional[str] = ..., artist: _Optional[str] = ..., album: _Optional[str] = ..., year: _Optional[int] = ..., duration_s: _Optional[float] = ..., tempo_bpm: _Optional[float] = ..., mbid: _Optional[str] = ..., isrc: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., extra_json: _Optional[str] = ...) -> None: ...

class PutTrackResponse(_message.Message):
    __slots__ = ("track", "created", "replayed")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    track: Track
    created: bool
    replayed: bool
    def __init__(self, track: _Optional[_Union[Track, _Mapping]] = ..., created: _Optional[bool] = ..., replayed: _Optional[bool] = ...) -> None: ...

class CheckTrackRequest(_message.Message):
    __slots__ = ("id", "metadata", "content_sha256")
    ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    id: str
    metadata: TrackMetadata
    content_sha256: str
    def __init__(self, id: _Optional[str] = ..., metadata: _Optional[_Union[TrackMetadata, _Mapping]] = ..., content_sha256: _Optional[str] = ...) -> None: ...

class CheckTrackResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class Track(_message.Message):
    __slots__ = ("id", "metadata", "content_sha256", "labels", "evidence", "generations", "source", "created_at", "updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    GENERATIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    metadata: TrackMetadata
    content_sha256: str
    labels: _containers.RepeatedCompositeFieldContainer[TrackLabel]
    evidence: _containers.RepeatedCompositeFieldContainer[TrackEvidence]
    generations: _containers.RepeatedScalarFieldContainer[str]
    source: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., metadata: _Optional[_Union[TrackMetadata, _Mapping]] = ..., content_sha256: _Optional[str] = ..., labels: _Optional[_Iterable[_Union[TrackLabel, _Mapping]]] = ..., evidence: _Optional[_Iterable[_Union[TrackEvidence, _Mapping]]] = ..., generations: _Optional[_Iterable[str]] = ..., source: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TrackLabel(_message.Message):
    __slots__ = ("model", "label", "score")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    model: str
    label: str
    score: float
    def __init__(self, model: _Optional[str] = ..., label: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class TrackEvidence(_message.Message):
    __slots__ = ("model", "prototype", "label", "share")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    model: str
    prototype: str
    label: str
    share: float
    def __init__(self, model: _Optional[str] = ..., prototype: _Optional[str] = ..., label: _Optional[str] = ..., share: _Optional[float] = ...) -> None: ...

class GetTrackRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteTrackRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteTrackResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTracksRequest(_message.Message):
    __slots__ = ("filter", "cursor", "limit")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    filter: TrackFilter
    cursor: str
    limit: int
    def __init__(self, filter: _Optional[_Union[TrackFilter, _Mapping]] = ..., cursor: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListTracksResponse(_message.Message):
    __slots__ = ("tracks", "cursor")
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    tracks: _containers.RepeatedCompositeFieldContainer[Track]
    cursor: str
    def __init__(self, tracks: _Optional[_Iterable[_Union[Track, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class TrackFilter(_message.Message):
    __slots__ = ("collections", "artists", "albums", "tags", "any_tags", "labels", "year_min", "year_max", "duration_min_s", "duration_max_s", "tempo_min_bpm", "tempo_max_bpm")
    COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    ARTISTS_FIELD_NUMBER: _ClassVar[int]
    ALBUMS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ANY_TAGS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    YEAR_MIN_FIELD_NUMBER: _ClassVar[int]
    YEAR_MAX_FIELD_NUMBER: _ClassVar[int]
    DURATION_MIN_S_FIELD_NUMBER: _ClassVar[int]
    DURATION_MAX_S_FIELD_NUMBER: _ClassVar[int]
    TEMPO_MIN_BPM_FIELD_NUMBER: _ClassVar[int]
    TEMPO_MAX_BPM_FIELD_NUMBER: _ClassVar[int]
    collections: _containers.RepeatedScalarFieldContainer[str]
    artists: _containers.RepeatedScalarFieldContainer[str]
    albums: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    any_tags: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.RepeatedScalarFieldContainer[str]
    year_min: int
    year_max: int
    duration_min_s: float
    duration_max_s: float
    tempo_min_bpm: float
    tempo_max_bpm: float
    def __init__(self, collections: _Optional[_Iterable[str]] = ..., artists: _Optional[_Iterable[str]] = ..., albums: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ..., any_tags: _Optional[_Iterable[str]] = ..., labels: _Optional[_Iterable[str]] = ..., year_min: _Optional[int] = ..., year_max: _Optional[int] = ..., duration_min_s: _Optional[float] = ..., duration_max_s: _Optional[float] = ..., tempo_min_bpm: _Optional[float] = ..., tempo_max_bpm: _Optional[float] = ...) -> None: ...

class Constraints(_message.Message):
    __slots__ = ("max_per_artist", "max_per_album", "hide_duplicates", "exclude", "tempo_within", "duration_within")
    MAX_PER_ARTIST_FIELD_NUMBER: _ClassVar[int]
    MAX_PER_ALBUM_FIELD_NUMBER: _ClassVar[int]
    HIDE_DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    TEMPO_WITHIN_FIELD_NUMBER: _ClassVar[int]
    DURATION_WITHIN_FIELD_NUMBER: _ClassVar[int]
    max_per_artist: int
    max_per_album: int
    hide_duplicates: bool
    exclude: _containers.RepeatedScalarFieldContainer[str]
    tempo_within: float
    duration_within: float
    def __init__(self, max_per_artist: _Optional[int] = ..., max_per_album: _Optional[int] = ..., hide_duplicates: _Optional[bool] = ..., exclude: _Optional[_Iterable[str]] = ..., tempo_within: _Optional[float] = ..., duration_within: _Optional[float] = ...) -> None: ...

class Seed(_message.Message):
    __slots__ = ("track", "embedding", "prototype", "tag", "upload", "weight")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPE_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    track: str
    embedding: Vector
    prototype: str
    tag: str
    upload: bool
    weight: float
    def __init__(self, track: _Optional[str] = ..., embedding: _Optional[_Union[Vector, _Mapping]] = ..., prototype: _Optional[str] = ..., tag: _Optional[str] = ..., upload: _Optional[bool] = ..., weight: _Optional[float] = ...) -> None: ...

class Vector(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class SimilarRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: SimilarOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[SimilarOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class SimilarOptions(_message.Message):
    __slots__ = ("seeds", "k", "filter", "constraints", "diversity", "hubness", "why", "exact", "lane", "timeout_s")
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    HUBNESS_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    seeds: _containers.RepeatedCompositeFieldContainer[Seed]
    k: int
    filter: TrackFilter
    constraints: Constraints
    diversity: float
    hubness: Hubness
    why: bool
    exact: bool
    lane: _sonotype_pb2.Lane
    timeout_s: float
    def __init__(self, seeds: _Optional[_Iterable[_Union[Seed, _Mapping]]] = ..., k: _Optional[int] = ..., filter: _Optional[_Union[TrackFilter, _Mapping]] = ..., constraints: _Optional[_Union[Constraints, _Mapping]] = ..., diversity: _Optional[float] = ..., hubness: _Optional[_Union[Hubness, str]] = ..., why: _Optional[bool] = ..., exact: _Optional[bool] = ..., lane: _Optional[_Union[_sonotype_pb2.Lane, str]] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class MatchesResponse(_message.Message):
    __slots__ = ("request_id", "matches", "generation", "exact", "degraded", "hubness", "short_because")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    HUBNESS_FIELD_NUMBER: _ClassVar[int]
    SHORT_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    matches: _containers.RepeatedCompositeFieldContainer[Match]
    generation: str
    exact: bool
    degraded: bool
    hubness: Hubness
    short_because: str
    def __init__(self, request_id: _Optional[str] = ..., matches: _Optional[_Iterable[_Union[Match, _Mapping]]] = ..., generation: _Optional[str] = ..., exact: _Optional[bool] = ..., degraded: _Optional[bool] = ..., hubness: _Optional[_Union[Hubness, str]] = ..., short_because: _Optional[str] = ...) -> None: ...

class Match(_message.Message):
    __slots__ = ("track", "similarity", "score", "why")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    track: Track
    similarity: float
    score: float
    why: Why
    def __init__(self, track: _Optional[_Union[Track, _Mapping]] = ..., similarity: _Optional[float] = ..., score: _Optional[float] = ..., why: _Optional[_Union[Why, _Mapping]] = ...) -> None: ...

class ExplainMatchRequest(_message.Message):
    __slots__ = ("track_a", "track_b")
    TRACK_A_FIELD_NUMBER: _ClassVar[int]
    TRACK_B_FIELD_NUMBER: _ClassVar[int]
    track_a: str
    track_b: str
    def __init__(self, track_a: _Optional[str] = ..., track_b: _Optional[str] = ...) -> None: ...

class Why(_message.Message):
    __slots__ = ("sentence", "similarity", "same", "tags", "labels", "prototypes")
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    sentence: str
    similarity: float
    same: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    labels: _containers.RepeatedCompositeFieldContainer[SharedLabel]
    prototypes: _containers.RepeatedCompositeFieldContainer[SharedPrototype]
    def __init__(self, sentence: _Optional[str] = ..., similarity: _Optional[float] = ..., same: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ..., labels: _Optional[_Iterable[_Union[SharedLabel, _Mapping]]] = ..., prototypes: _Optional[_Iterable[_Union[SharedPrototype, _Mapping]]] = ...) -> None: ...

class SharedLabel(_message.Message):
    __slots__ = ("model", "label", "score_a", "score_b")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_A_FIELD_NUMBER: _ClassVar[int]
    SCORE_B_FIELD_NUMBER: _ClassVar[int]
    model: str
    label: str
    score_a: float
    score_b: float
    def __init__(self, model: _Optional[str] = ..., label: _Optional[str] = ..., score_a: _Optional[float] = ..., score_b: _Optional[float] = ...) -> None: ...

class SharedPrototype(_message.Message):
    __slots__ = ("prototype", "model", "label", "share_a", "share_b", "strength")
    PROTOTYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SHARE_A_FIELD_NUMBER: _ClassVar[int]
    SHARE_B_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    prototype: str
    model: str
    label: str
    share_a: float
    share_b: float
    strength: float
    def __init__(self, prototype: _Optional[str] = ..., model: _Optional[str] = ..., label: _Optional[str] = ..., share_a: _Optional[float] = ..., share_b: _Optional[float] = ..., strength: _Optional[float] = ...) -> None: ...

class FindPathRequest(_message.Message):
    __slots__ = ("start", "end", "count", "filter", "constraints")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    start: str
    end: str
    count: int
    filter: TrackFilter
    constraints: Constraints
    def __init__(self, start: _Optional[str] = ..., end: _Optional[str] = ..., count: _Optional[int] = ..., filter: _Optional[_Union[TrackFilter, _Mapping]] = ..., constraints: _Optional[_Union[Constraints, _Mapping]] = ...) -> None: ...

class MakePlaylistRequest(_message.Message):
    __slots__ = ("seeds", "count", "filter", "constraints", "diversity", "order", "artist_gap", "include_seeds", "random_seed")
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ARTIST_GAP_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SEEDS_FIELD_NUMBER: _ClassVar[int]
    RANDOM_SEED_FIELD_NUMBER: _ClassVar[int]
    seeds: _containers.RepeatedCompositeFieldContainer[Seed]
    count: int
    filter: TrackFilter
    constraints: Constraints
    diversity: float
    order: PlaylistOrder
    artist_gap: int
    include_seeds: bool
    random_seed: int
    def __init__(self, seeds: _Optional[_Iterable[_Union[Seed, _Mapping]]] = ..., count: _Optional[int] = ..., filter: _Optional[_Union[TrackFilter, _Mapping]] = ..., constraints: _Optional[_Union[Constraints, _Mapping]] = ..., diversity: _Optional[float] = ..., order: _Optional[_Union[PlaylistOrder, str]] = ..., artist_gap: _Optional[int] = ..., include_seeds: _Optional[bool] = ..., random_seed: _Optional[int] = ...) -> None: ...

class GetCatalogRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CatalogStatus(_message.Message):
    __slots__ = ("engine", "tracks", "stale", "generations", "writable", "bytes", "takes_jobs")
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    GENERATIONS_FIELD_NUMBER: _ClassVar[int]
    WRITABLE_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    TAKES_JOBS_FIELD_NUMBER: _ClassVar[int]
    engine: str
    tracks: int
    stale: int
    generations: _containers.RepeatedCompositeFieldContainer[Generation]
    writable: bool
    bytes: int
    takes_jobs: bool
    def __init__(self, engine: _Optional[str] = ..., tracks: _Optional[int] = ..., stale: _Optional[int] = ..., generations: _Optional[_Iterable[_Union[Generation, _Mapping]]] = ..., writable: _Optional[bool] = ..., bytes: _Optional[int] = ..., takes_jobs: _Optional[bool] = ...) -> None: ...

class Generation(_message.Message):
    __slots__ = ("name", "embedding", "model_sha256", "dim", "state", "tracks", "current", "degraded")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    MODEL_SHA256_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    name: str
    embedding: str
    model_sha256: str
    dim: int
    state: str
    tracks: int
    current: bool
    degraded: str
    def __init__(self, name: _Optional[str] = ..., embedding: _Optional[str] = ..., model_sha256: _Optional[str] = ..., dim: _Optional[int] = ..., state: _Optional[str] = ..., tracks: _Optional[int] = ..., current: _Optional[bool] = ..., degraded: _Optional[str] = ...) -> None: ...

class PromoteGenerationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateJobRequest(_message.Message):
    __slots__ = ("kind", "path", "collection", "generation")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    kind: JobKind
    path: str
    collection: str
    generation: str
    def __init__(self, kind: _Optional[_Union[JobKind, str]] = ..., path: _Optional[str] = ..., collection: _Optional[str] = ..., generation: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "kind", "path", "collection", "generation", "state", "final", "total", "done", "counts", "error", "created_at", "started_at", "ended_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: JobKind
    path: str
    collection: str
    generation: str
    state: JobState
    final: bool
    total: int
    done: int
    counts: JobCounts
    error: str
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., path: _Optional[str] = ..., collection: _Optional[str] = ..., generation: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., final: _Optional[bool] = ..., total: _Optional[int] = ..., done: _Optional[int] = ..., counts: _Optional[_Union[JobCounts, _Mapping]] = ..., error: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class JobCounts(_message.Message):
    __slots__ = ("pending", "stored", "unchanged", "skipped", "failed")
    PENDING_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    pending: int
    stored: int
    unchanged: int
    skipped: int
    failed: int
    def __init__(self, pending: _Optional[int] = ..., stored: _Optional[int] = ..., unchanged: _Optional[int] = ..., skipped: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("cursor", "limit")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    limit: int
    def __init__(self, cursor: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "cursor")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    cursor: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListJobFilesRequest(_message.Message):
    __slots__ = ("id", "state", "cursor", "limit")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: FileState
    cursor: str
    limit: int
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[FileState, str]] = ..., cursor: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListJobFilesResponse(_message.Message):
    __slots__ = ("files", "cursor")
    FILES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[JobFile]
    cursor: str
    def __init__(self, files: _Optional[_Iterable[_Union[JobFile, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class JobFile(_message.Message):
    __slots__ = ("path", "state", "track", "code", "detail")
    PATH_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    path: str
    state: FileState
    track: str
    code: str
    detail: str
    def __init__(self, path: _Optional[str] = ..., state: _Optional[_Union[FileState, str]] = ..., track: _Optional[str] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...
