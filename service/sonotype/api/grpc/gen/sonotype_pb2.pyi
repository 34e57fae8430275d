from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EmbeddingScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMBEDDING_SCOPE_UNSPECIFIED: _ClassVar[EmbeddingScope]
    EMBEDDING_SCOPE_CLIP: _ClassVar[EmbeddingScope]
    EMBEDDING_SCOPE_PATCHES: _ClassVar[EmbeddingScope]

class TailPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TAIL_POLICY_UNSPECIFIED: _ClassVar[TailPolicy]
    TAIL_POLICY_DROP: _ClassVar[TailPolicy]
    TAIL_POLICY_REPEAT: _ClassVar[TailPolicy]
    TAIL_POLICY_PAD: _ClassVar[TailPolicy]

class ShortPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHORT_POLICY_UNSPECIFIED: _ClassVar[ShortPolicy]
    SHORT_POLICY_REPEAT: _ClassVar[ShortPolicy]
    SHORT_POLICY_PAD: _ClassVar[ShortPolicy]
    SHORT_POLICY_REFUSE: _ClassVar[ShortPolicy]

class Lane(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LANE_UNSPECIFIED: _ClassVar[Lane]
    LANE_INTERACTIVE: _ClassVar[Lane]
    LANE_BULK: _ClassVar[Lane]
EMBEDDING_SCOPE_UNSPECIFIED: EmbeddingScope
EMBEDDING_SCOPE_CLIP: EmbeddingScope
EMBEDDING_SCOPE_PATCHES: EmbeddingScope
TAIL_POLICY_UNSPECIFIED: TailPolicy
TAIL_POLICY_DROP: TailPolicy
TAIL_POLICY_REPEAT: TailPolicy
TAIL_POLICY_PAD: TailPolicy
SHORT_POLICY_UNSPECIFIED: ShortPolicy
SHORT_POLICY_REPEAT: ShortPolicy
SHORT_POLICY_PAD: ShortPolicy
SHORT_POLICY_REFUSE: ShortPolicy
LANE_UNSPECIFIED: Lane
LANE_INTERACTIVE: Lane
LANE_BULK: Lane

class AnalyzeRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: AnalyzeOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[AnalyzeOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class AnalyzeOptions(_message.Message):
    __slots__ = ("models", "top_k", "all_tags", "threshold", "timeline", "embeddings", "embedding_scope", "offset_s", "duration_s", "hop_s", "tail", "frontend", "lane", "timeout_s", "bypass_cache")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    ALL_TAGS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_SCOPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    HOP_S_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    FRONTEND_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    BYPASS_CACHE_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedScalarFieldContainer[str]
    top_k: int
    all_tags: bool
    threshold: float
    timeline: bool
    embeddings: _containers.RepeatedScalarFieldContainer[str]
    embedding_scope: EmbeddingScope
    offset_s: float
    duration_s: float
    hop_s: float
    tail: TailPolicy
    frontend: str
    lane: Lane
    timeout_s: float
    bypass_cache: bool
    def __init__(self, models: _Optional[_Iterable[str]] = ..., top_k: _Optional[int] = ..., all_tags: _Optional[bool] = ..., threshold: _Optional[float] = ..., timeline: _Optional[bool] = ..., embeddings: _Optional[_Iterable[str]] = ..., embedding_scope: _Optional[_Union[EmbeddingScope, str]] = ..., offset_s: _Optional[float] = ..., duration_s: _Optional[float] = ..., hop_s: _Optional[float] = ..., tail: _Optional[_Union[TailPolicy, str]] = ..., frontend: _Optional[str] = ..., lane: _Optional[_Union[Lane, str]] = ..., timeout_s: _Optional[float] = ..., bypass_cache: _Optional[bool] = ...) -> None: ...

class AnalyzeResponse(_message.Message):
    __slots__ = ("request_id", "clip", "results", "timings_s")
    class TimingsSEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_S_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    clip: Clip
    results: _containers.RepeatedCompositeFieldContainer[Result]
    timings_s: _containers.ScalarMap[str, float]
    def __init__(self, request_id: _Optional[str] = ..., clip: _Optional[_Union[Clip, _Mapping]] = ..., results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ..., timings_s: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Clip(_message.Message):
    __slots__ = ("sha256", "format", "sample_rate_hz", "channels", "duration_s", "truncated", "clipped", "silent")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    CLIPPED_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    format: str
    sample_rate_hz: int
    channels: int
    duration_s: float
    truncated: bool
    clipped: bool
    silent: bool
    def __init__(self, sha256: _Optional[str] = ..., format: _Optional[str] = ..., sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ..., duration_s: _Optional[float] = ..., truncated: _Optional[bool] = ..., clipped: _Optional[bool] = ..., silent: _Optional[bool] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("model", "model_sha256", "frontend", "precision", "cached", "patches", "tags", "timeline", "embeddings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_SHA256_FIELD_NUMBER: _ClassVar[int]
    FRONTEND_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    PATCHES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    model: str
    model_sha256: str
    frontend: str
    precision: str
    cached: bool
    patches: Patches
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    timeline: Timeline
    embeddings: _containers.RepeatedCompositeFieldContainer[Embedding]
    def __init__(self, model: _Optional[str] = ..., model_sha256: _Optional[str] = ..., frontend: _Optional[str] = ..., precision: _Optional[str] = ..., cached: _Optional[bool] = ..., patches: _Optional[_Union[Patches, _Mapping]] = ..., tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., timeline: _Optional[_Union[Timeline, _Mapping]] = ..., embeddings: _Optional[_Iterable[_Union[Embedding, _Mapping]]] = ...) -> None: ...

class Patches(_message.Message):
    __slots__ = ("count", "length_s", "hop_s", "tail", "short", "dropped_s", "filled_s")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_S_FIELD_NUMBER: _ClassVar[int]
    HOP_S_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    SHORT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_S_FIELD_NUMBER: _ClassVar[int]
    FILLED_S_FIELD_NUMBER: _ClassVar[int]
    count: int
    length_s: float
    hop_s: float
    tail: TailPolicy
    short: ShortPolicy
    dropped_s: float
    filled_s: float
    def __init__(self, count: _Optional[int] = ..., length_s: _Optional[float] = ..., hop_s: _Optional[float] = ..., tail: _Optional[_Union[TailPolicy, str]] = ..., short: _Optional[_Union[ShortPolicy, str]] = ..., dropped_s: _Optional[float] = ..., filled_s: _Optional[float] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("label", "score")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    label: str
    score: float
    def __init__(self, label: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class Timeline(_message.Message):
    __slots__ = ("starts_s", "labels", "rows")
    STARTS_S_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    starts_s: _containers.RepeatedScalarFieldContainer[float]
    labels: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[TimelineRow]
    def __init__(self, starts_s: _Optional[_Iterable[float]] = ..., labels: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[TimelineRow, _Mapping]]] = ...) -> None: ...

class TimelineRow(_message.Message):
    __slots__ = ("scores",)
    SCORES_FIELD_NUMBER: _ClassVar[int]
    scores: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scores: _Optional[_Iterable[float]] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("name", "dim", "scope", "rows", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    dim: int
    scope: EmbeddingScope
    rows: int
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., dim: _Optional[int] = ..., scope: _Optional[_Union[EmbeddingScope, str]] = ..., rows: _Optional[int] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "version", "title", "description", "is_default", "pulled", "served", "precision", "sample_rate_hz", "patch_length_s", "patch_hop_s", "tail", "short", "labels", "embeddings", "frontends", "weights_sha256", "licence", "citation")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    PULLED_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    PATCH_LENGTH_S_FIELD_NUMBER: _ClassVar[int]
    PATCH_HOP_S_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    SHORT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    FRONTENDS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    CITATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    title: str
    description: str
    is_default: bool
    pulled: bool
    served: bool
    precision: str
    sample_rate_hz: int
    patch_length_s: float
    patch_hop_s: float
    tail: TailPolicy
    short: ShortPolicy
    labels: _containers.RepeatedScalarFieldContainer[str]
    embeddings: _containers.RepeatedCompositeFieldContainer[EmbeddingInfo]
    frontends: _containers.RepeatedScalarFieldContainer[str]
    weights_sha256: str
    licence: Licence
    citation: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., is_default: _Optional[bool] = ..., pulled: _Optional[bool] = ..., served: _Optional[bool] = ..., precision: _Optional[str] = ..., sample_rate_hz: _Optional[int] = ..., patch_length_s: _Optional[float] = ..., patch_hop_s: _Optional[float] = ..., tail: _Optional[_Union[TailPolicy, str]] = ..., short: _Optional[_Union[ShortPolicy, str]] = ..., labels: _Optional[_Iterable[str]] = ..., embeddings: _Optional[_Iterable[_Union[EmbeddingInfo, _Mapping]]] = ..., frontends: _Optional[_Iterable[str]] = ..., weights_sha256: _Optional[str] = ..., licence: _Optional[_Union[Licence, _Mapping]] = ..., citation: _Optional[str] = ...) -> None: ...

class EmbeddingInfo(_message.Message):
    __slots__ = ("name", "dim", "description", "pool")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    name: str
    dim: int
    description: str
    pool: str
    def __init__(self, name: _Optional[str] = ..., dim: _Optional[int] = ..., description: _Optional[str] = ..., pool: _Optional[str] = ...) -> None: ...

class Licence(_message.Message):
    __slots__ = ("spdx", "commercial", "holder", "url")
    SPDX_FIELD_NUMBER: _ClassVar[int]
    COMMERCIAL_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    spdx: str
    commercial: bool
    holder: str
    url: str
    def __init__(self, spdx: _Optional[str] = ..., commercial: _Optional[bool] = ..., holder: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...
