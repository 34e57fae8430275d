from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Quality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_UNSPECIFIED: _ClassVar[Quality]
    QUALITY_FULL: _ClassVar[Quality]
    QUALITY_BALANCED: _ClassVar[Quality]
    QUALITY_FAST: _ClassVar[Quality]

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
    TAIL_POLICY_ALIGN: _ClassVar[TailPolicy]

class ShortPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHORT_POLICY_UNSPECIFIED: _ClassVar[ShortPolicy]
    SHORT_POLICY_REPEAT: _ClassVar[ShortPolicy]
    SHORT_POLICY_PAD: _ClassVar[ShortPolicy]
    SHORT_POLICY_REFUSE: _ClassVar[ShortPolicy]
    SHORT_POLICY_NATIVE: _ClassVar[ShortPolicy]

class Lane(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LANE_UNSPECIFIED: _ClassVar[Lane]
    LANE_INTERACTIVE: _ClassVar[Lane]
    LANE_BULK: _ClassVar[Lane]

class Task(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_UNSPECIFIED: _ClassVar[Task]
    TASK_MULTICLASS: _ClassVar[Task]
    TASK_MULTILABEL: _ClassVar[Task]
    TASK_REGRESSION: _ClassVar[Task]

class ModelKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_KIND_UNSPECIFIED: _ClassVar[ModelKind]
    MODEL_KIND_NETWORK: _ClassVar[ModelKind]
    MODEL_KIND_PROTOTYPES: _ClassVar[ModelKind]
    MODEL_KIND_HEAD: _ClassVar[ModelKind]
    MODEL_KIND_TAGGER: _ClassVar[ModelKind]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_PASSED: _ClassVar[Verdict]
    VERDICT_REPLACED: _ClassVar[Verdict]
    VERDICT_FAILED: _ClassVar[Verdict]
    VERDICT_UNGATED: _ClassVar[Verdict]
    VERDICT_SILENT: _ClassVar[Verdict]

class RenderingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RENDERING_KIND_UNSPECIFIED: _ClassVar[RenderingKind]
    RENDERING_KIND_PROTOTYPE: _ClassVar[RenderingKind]
    RENDERING_KIND_MEDOID: _ClassVar[RenderingKind]
    RENDERING_KIND_SEGMENT: _ClassVar[RenderingKind]

class AudioFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_FORMAT_UNSPECIFIED: _ClassVar[AudioFormat]
    AUDIO_FORMAT_WAV: _ClassVar[AudioFormat]
    AUDIO_FORMAT_FLAC: _ClassVar[AudioFormat]
    AUDIO_FORMAT_OGG: _ClassVar[AudioFormat]
    AUDIO_FORMAT_MP3: _ClassVar[AudioFormat]
QUALITY_UNSPECIFIED: Quality
QUALITY_FULL: Quality
QUALITY_BALANCED: Quality
QUALITY_FAST: Quality
EMBEDDING_SCOPE_UNSPECIFIED: EmbeddingScope
EMBEDDING_SCOPE_CLIP: EmbeddingScope
EMBEDDING_SCOPE_PATCHES: EmbeddingScope
TAIL_POLICY_UNSPECIFIED: TailPolicy
TAIL_POLICY_DROP: TailPolicy
TAIL_POLICY_REPEAT: TailPolicy
TAIL_POLICY_PAD: TailPolicy
TAIL_POLICY_ALIGN: TailPolicy
SHORT_POLICY_UNSPECIFIED: ShortPolicy
SHORT_POLICY_REPEAT: ShortPolicy
SHORT_POLICY_PAD: ShortPolicy
SHORT_POLICY_REFUSE: ShortPolicy
SHORT_POLICY_NATIVE: ShortPolicy
LANE_UNSPECIFIED: Lane
LANE_INTERACTIVE: Lane
LANE_BULK: Lane
TASK_UNSPECIFIED: Task
TASK_MULTICLASS: Task
TASK_MULTILABEL: Task
TASK_REGRESSION: Task
MODEL_KIND_UNSPECIFIED: ModelKind
MODEL_KIND_NETWORK: ModelKind
MODEL_KIND_PROTOTYPES: ModelKind
MODEL_KIND_HEAD: ModelKind
MODEL_KIND_TAGGER: ModelKind
VERDICT_UNSPECIFIED: Verdict
VERDICT_PASSED: Verdict
VERDICT_REPLACED: Verdict
VERDICT_FAILED: Verdict
VERDICT_UNGATED: Verdict
VERDICT_SILENT: Verdict
RENDERING_KIND_UNSPECIFIED: RenderingKind
RENDERING_KIND_PROTOTYPE: RenderingKind
RENDERING_KIND_MEDOID: RenderingKind
RENDERING_KIND_SEGMENT: RenderingKind
AUDIO_FORMAT_UNSPECIFIED: AudioFormat
AUDIO_FORMAT_WAV: AudioFormat
AUDIO_FORMAT_FLAC: AudioFormat
AUDIO_FORMAT_OGG: AudioFormat
AUDIO_FORMAT_MP3: AudioFormat

class AnalyzeRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: AnalyzeOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[AnalyzeOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class AnalyzeOptions(_message.Message):
    __slots__ = ("models", "top_k", "all_tags", "threshold", "timeline", "embeddings", "embedding_scope", "offset_s", "duration_s", "hop_s", "tail", "frontend", "lane", "timeout_s", "bypass_cache", "reasons_top_k", "all_reasons", "quality", "patchout_time", "patchout_freq", "patchout_seed")
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
    REASONS_TOP_K_FIELD_NUMBER: _ClassVar[int]
    ALL_REASONS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    PATCHOUT_TIME_FIELD_NUMBER: _ClassVar[int]
    PATCHOUT_FREQ_FIELD_NUMBER: _ClassVar[int]
    PATCHOUT_SEED_FIELD_NUMBER: _ClassVar[int]
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
    reasons_top_k: int
    all_reasons: bool
    quality: Quality
    patchout_time: int
    patchout_freq: int
    patchout_seed: int
    def __init__(self, models: _Optional[_Iterable[str]] = ..., top_k: _Optional[int] = ..., all_tags: _Optional[bool] = ..., threshold: _Optional[float] = ..., timeline: _Optional[bool] = ..., embeddings: _Optional[_Iterable[str]] = ..., embedding_scope: _Optional[_Union[EmbeddingScope, str]] = ..., offset_s: _Optional[float] = ..., duration_s: _Optional[float] = ..., hop_s: _Optional[float] = ..., tail: _Optional[_Union[TailPolicy, str]] = ..., frontend: _Optional[str] = ..., lane: _Optional[_Union[Lane, str]] = ..., timeout_s: _Optional[float] = ..., bypass_cache: _Optional[bool] = ..., reasons_top_k: _Optional[int] = ..., all_reasons: _Optional[bool] = ..., quality: _Optional[_Union[Quality, str]] = ..., patchout_time: _Optional[int] = ..., patchout_freq: _Optional[int] = ..., patchout_seed: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("model", "model_sha256", "frontend", "precision", "cached", "patches", "tags", "timeline", "embeddings", "reasons", "quality", "patchout", "task", "decided_by")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_SHA256_FIELD_NUMBER: _ClassVar[int]
    FRONTEND_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    PATCHES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    PATCHOUT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    model: str
    model_sha256: str
    frontend: str
    precision: str
    cached: bool
    patches: Patches
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    timeline: Timeline
    embeddings: _containers.RepeatedCompositeFieldContainer[Embedding]
    reasons: Reasons
    quality: Quality
    patchout: Patchout
    task: Task
    decided_by: DecidedBy
    def __init__(self, model: _Optional[str] = ..., model_sha256: _Optional[str] = ..., frontend: _Optional[str] = ..., precision: _Optional[str] = ..., cached: _Optional[bool] = ..., patches: _Optional[_Union[Patches, _Mapping]] = ..., tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., timeline: _Optional[_Union[Timeline, _Mapping]] = ..., embeddings: _Optional[_Iterable[_Union[Embedding, _Mapping]]] = ..., reasons: _Optional[_Union[Reasons, _Mapping]] = ..., quality: _Optional[_Union[Quality, str]] = ..., patchout: _Optional[_Union[Patchout, _Mapping]] = ..., task: _Optional[_Union[Task, str]] = ..., decided_by: _Optional[_Union[DecidedBy, _Mapping]] = ...) -> None: ...

class DecidedBy(_message.Message):
    __slots__ = ("far", "percentile", "prototypes", "labels")
    FAR_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    far: bool
    percentile: float
    prototypes: _containers.RepeatedCompositeFieldContainer[DecidingPrototype]
    labels: _containers.RepeatedCompositeFieldContainer[LabelShares]
    def __init__(self, far: _Optional[bool] = ..., percentile: _Optional[float] = ..., prototypes: _Optional[_Iterable[_Union[DecidingPrototype, _Mapping]]] = ..., labels: _Optional[_Iterable[_Union[LabelShares, _Mapping]]] = ...) -> None: ...

class DecidingPrototype(_message.Message):
    __slots__ = ("prototype", "distance", "members", "examples")
    PROTOTYPE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    prototype: int
    distance: float
    members: int
    examples: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, prototype: _Optional[int] = ..., distance: _Optional[float] = ..., members: _Optional[int] = ..., examples: _Optional[_Iterable[str]] = ...) -> None: ...

class LabelShares(_message.Message):
    __slots__ = ("label", "shares")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    label: str
    shares: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, label: _Optional[str] = ..., shares: _Optional[_Iterable[float]] = ...) -> None: ...

class Patchout(_message.Message):
    __slots__ = ("time_every", "freq_every", "time_drop", "freq_drop", "seed")
    TIME_EVERY_FIELD_NUMBER: _ClassVar[int]
    FREQ_EVERY_FIELD_NUMBER: _ClassVar[int]
    TIME_DROP_FIELD_NUMBER: _ClassVar[int]
    FREQ_DROP_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    time_every: int
    freq_every: int
    time_drop: int
    freq_drop: int
    seed: int
    def __init__(self, time_every: _Optional[int] = ..., freq_every: _Optional[int] = ..., time_drop: _Optional[int] = ..., freq_drop: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class Patches(_message.Message):
    __slots__ = ("count", "length_s", "hop_s", "tail", "short", "dropped_s", "filled_s", "overlap_s")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_S_FIELD_NUMBER: _ClassVar[int]
    HOP_S_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    SHORT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_S_FIELD_NUMBER: _ClassVar[int]
    FILLED_S_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_S_FIELD_NUMBER: _ClassVar[int]
    count: int
    length_s: float
    hop_s: float
    tail: TailPolicy
    short: ShortPolicy
    dropped_s: float
    filled_s: float
    overlap_s: float
    def __init__(self, count: _Optional[int] = ..., length_s: _Optional[float] = ..., hop_s: _Optional[float] = ..., tail: _Optional[_Union[TailPolicy, str]] = ..., short: _Optional[_Union[ShortPolicy, str]] = ..., dropped_s: _Optional[float] = ..., filled_s: _Optional[float] = ..., overlap_s: _Optional[float] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("label", "score", "group")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    label: str
    score: float
    group: str
    def __init__(self, label: _Optional[str] = ..., score: _Optional[float] = ..., group: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("name", "version", "title", "description", "is_default", "pulled", "served", "precision", "sample_rate_hz", "patch_length_s", "patch_hop_s", "tail", "short", "labels", "embeddings", "frontends", "weights_sha256", "licence", "citation", "kind", "prototypes", "qualities", "patch_columns", "patch_rows", "head", "groups", "tagger")
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
    KIND_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    QUALITIES_FIELD_NUMBER: _ClassVar[int]
    PATCH_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PATCH_ROWS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    TAGGER_FIELD_NUMBER: _ClassVar[int]
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
    kind: ModelKind
    prototypes: PrototypeModel
    qualities: _containers.RepeatedCompositeFieldContainer[QualityInfo]
    patch_columns: int
    patch_rows: int
    head: HeadModel
    groups: _containers.RepeatedCompositeFieldContainer[LabelGroup]
    tagger: TaggerModel
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., is_default: _Optional[bool] = ..., pulled: _Optional[bool] = ..., served: _Optional[bool] = ..., precision: _Optional[str] = ..., sample_rate_hz: _Optional[int] = ..., patch_length_s: _Optional[float] = ..., patch_hop_s: _Optional[float] = ..., tail: _Optional[_Union[TailPolicy, str]] = ..., short: _Optional[_Union[ShortPolicy, str]] = ..., labels: _Optional[_Iterable[str]] = ..., embeddings: _Optional[_Iterable[_Union[EmbeddingInfo, _Mapping]]] = ..., frontends: _Optional[_Iterable[str]] = ..., weights_sha256: _Optional[str] = ..., licence: _Optional[_Union[Licence, _Mapping]] = ..., citation: _Optional[str] = ..., kind: _Optional[_Union[ModelKind, str]] = ..., prototypes: _Optional[_Union[PrototypeModel, _Mapping]] = ..., qualities: _Optional[_Iterable[_Union[QualityInfo, _Mapping]]] = ..., patch_columns: _Optional[int] = ..., patch_rows: _Optional[int] = ..., head: _Optional[_Union[HeadModel, _Mapping]] = ..., groups: _Optional[_Iterable[_Union[LabelGroup, _Mapping]]] = ..., tagger: _Optional[_Union[TaggerModel, _Mapping]] = ...) -> None: ...

class LabelGroup(_message.Message):
    __slots__ = ("name", "labels")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    name: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ...) -> None: ...

class QualityInfo(_message.Message):
    __slots__ = ("quality", "patchout", "cost")
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    PATCHOUT_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    quality: Quality
    patchout: Patchout
    cost: float
    def __init__(self, quality: _Optional[_Union[Quality, str]] = ..., patchout: _Optional[_Union[Patchout, _Mapping]] = ..., cost: _Optional[float] = ...) -> None: ...

class TaggerModel(_message.Message):
    __slots__ = ("backbone", "embedding", "generation", "tracks", "prototypes", "corrections", "stale")
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    backbone: str
    embedding: str
    generation: str
    tracks: int
    prototypes: int
    corrections: int
    stale: bool
    def __init__(self, backbone: _Optional[str] = ..., embedding: _Optional[str] = ..., generation: _Optional[str] = ..., tracks: _Optional[int] = ..., prototypes: _Optional[int] = ..., corrections: _Optional[int] = ..., stale: _Optional[bool] = ...) -> None: ...

class HeadModel(_message.Message):
    __slots__ = ("backbone", "embedding", "task", "positive", "temperature", "layers")
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    backbone: str
    embedding: str
    task: Task
    positive: str
    temperature: float
    layers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, backbone: _Optional[str] = ..., embedding: _Optional[str] = ..., task: _Optional[_Union[Task, str]] = ..., positive: _Optional[str] = ..., temperature: _Optional[float] = ..., layers: _Optional[_Iterable[int]] = ...) -> None: ...

class PrototypeModel(_message.Message):
    __slots__ = ("backbone", "embedding", "n_prototypes", "multilabel", "temperature", "seeds", "decoder")
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    N_PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    MULTILABEL_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    DECODER_FIELD_NUMBER: _ClassVar[int]
    backbone: str
    embedding: str
    n_prototypes: int
    multilabel: bool
    temperature: float
    seeds: _containers.RepeatedScalarFieldContainer[int]
    decoder: Decoder
    def __init__(self, backbone: _Optional[str] = ..., embedding: _Optional[str] = ..., n_prototypes: _Optional[int] = ..., multilabel: _Optional[bool] = ..., temperature: _Optional[float] = ..., seeds: _Optional[_Iterable[int]] = ..., decoder: _Optional[_Union[Decoder, _Mapping]] = ...) -> None: ...

class Decoder(_message.Message):
    __slots__ = ("family", "n_parameters", "sample_rate_hz", "segment_s", "dim", "steps", "guidance", "sha256")
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    N_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_S_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    family: str
    n_parameters: int
    sample_rate_hz: int
    segment_s: float
    dim: int
    steps: int
    guidance: float
    sha256: str
    def __init__(self, family: _Optional[str] = ..., n_parameters: _Optional[int] = ..., sample_rate_hz: _Optional[int] = ..., segment_s: _Optional[float] = ..., dim: _Optional[int] = ..., steps: _Optional[int] = ..., guidance: _Optional[float] = ..., sha256: _Optional[str] = ...) -> None: ...

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

class Reasons(_message.Message):
    __slots__ = ("out_of_distribution", "similarity_max", "ood_threshold", "labels", "nearest", "heat")
    OUT_OF_DISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_MAX_FIELD_NUMBER: _ClassVar[int]
    OOD_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    HEAT_FIELD_NUMBER: _ClassVar[int]
    out_of_distribution: bool
    similarity_max: float
    ood_threshold: float
    labels: _containers.RepeatedCompositeFieldContainer[LabelReasons]
    nearest: _containers.RepeatedCompositeFieldContainer[Share]
    heat: Heat
    def __init__(self, out_of_distribution: _Optional[bool] = ..., similarity_max: _Optional[float] = ..., ood_threshold: _Optional[float] = ..., labels: _Optional[_Iterable[_Union[LabelReasons, _Mapping]]] = ..., nearest: _Optional[_Iterable[_Union[Share, _Mapping]]] = ..., heat: _Optional[_Union[Heat, _Mapping]] = ...) -> None: ...

class LabelReasons(_message.Message):
    __slots__ = ("label", "logit", "baseline", "pro", "against", "rest")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LOGIT_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    PRO_FIELD_NUMBER: _ClassVar[int]
    AGAINST_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    label: str
    logit: float
    baseline: float
    pro: _containers.RepeatedCompositeFieldContainer[Share]
    against: _containers.RepeatedCompositeFieldContainer[Share]
    rest: float
    def __init__(self, label: _Optional[str] = ..., logit: _Optional[float] = ..., baseline: _Optional[float] = ..., pro: _Optional[_Iterable[_Union[Share, _Mapping]]] = ..., against: _Optional[_Iterable[_Union[Share, _Mapping]]] = ..., rest: _Optional[float] = ...) -> None: ...

class Share(_message.Message):
    __slots__ = ("id", "label", "evidence", "similarity", "rendering", "badge")
    ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    RENDERING_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    id: str
    label: str
    evidence: float
    similarity: float
    rendering: RenderingKind
    badge: BadgeSummary
    def __init__(self, id: _Optional[str] = ..., label: _Optional[str] = ..., evidence: _Optional[float] = ..., similarity: _Optional[float] = ..., rendering: _Optional[_Union[RenderingKind, str]] = ..., badge: _Optional[_Union[BadgeSummary, _Mapping]] = ...) -> None: ...

class Heat(_message.Message):
    __slots__ = ("label", "starts_s", "prototypes", "rows")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    STARTS_S_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    label: str
    starts_s: _containers.RepeatedScalarFieldContainer[float]
    prototypes: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[HeatRow]
    def __init__(self, label: _Optional[str] = ..., starts_s: _Optional[_Iterable[float]] = ..., prototypes: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[HeatRow, _Mapping]]] = ...) -> None: ...

class HeatRow(_message.Message):
    __slots__ = ("similarity", "evidence")
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    similarity: _containers.RepeatedScalarFieldContainer[float]
    evidence: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, similarity: _Optional[_Iterable[float]] = ..., evidence: _Optional[_Iterable[float]] = ...) -> None: ...

class ListPrototypesRequest(_message.Message):
    __slots__ = ("model", "label")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    label: str
    def __init__(self, model: _Optional[str] = ..., label: _Optional[str] = ...) -> None: ...

class ListPrototypesResponse(_message.Message):
    __slots__ = ("prototypes",)
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    prototypes: _containers.RepeatedCompositeFieldContainer[Prototype]
    def __init__(self, prototypes: _Optional[_Iterable[_Union[Prototype, _Mapping]]] = ...) -> None: ...

class GetPrototypeRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class Prototype(_message.Message):
    __slots__ = ("id", "model", "label", "verdict", "note", "offered", "renderings", "badge", "decoded_medoid", "provenance")
    ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    OFFERED_FIELD_NUMBER: _ClassVar[int]
    RENDERINGS_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    DECODED_MEDOID_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    model: str
    label: str
    verdict: Verdict
    note: str
    offered: Rendering
    renderings: _containers.RepeatedCompositeFieldContainer[Rendering]
    badge: Badge
    decoded_medoid: Badge
    provenance: Provenance
    def __init__(self, id: _Optional[str] = ..., model: _Optional[str] = ..., label: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., note: _Optional[str] = ..., offered: _Optional[_Union[Rendering, _Mapping]] = ..., renderings: _Optional[_Iterable[_Union[Rendering, _Mapping]]] = ..., badge: _Optional[_Union[Badge, _Mapping]] = ..., decoded_medoid: _Optional[_Union[Badge, _Mapping]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ...) -> None: ...

class Rendering(_message.Message):
    __slots__ = ("kind", "seed")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    kind: RenderingKind
    seed: int
    def __init__(self, kind: _Optional[_Union[RenderingKind, str]] = ..., seed: _Optional[int] = ...) -> None: ...

class BadgeSummary(_message.Message):
    __slots__ = ("passed", "failed")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    failed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, passed: _Optional[bool] = ..., failed: _Optional[_Iterable[str]] = ...) -> None: ...

class Badge(_message.Message):
    __slots__ = ("passed", "failed", "cosine", "ceiling", "share", "retrieval", "classifier", "judge", "seeds", "null_other", "null_zero", "scores", "tries")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    CEILING_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    RETRIEVAL_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    JUDGE_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    NULL_OTHER_FIELD_NUMBER: _ClassVar[int]
    NULL_ZERO_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    failed: _containers.RepeatedScalarFieldContainer[str]
    cosine: float
    ceiling: float
    share: float
    retrieval: float
    classifier: float
    judge: float
    seeds: float
    null_other: float
    null_zero: float
    scores: _containers.RepeatedCompositeFieldContainer[SeedScore]
    tries: int
    def __init__(self, passed: _Optional[bool] = ..., failed: _Optional[_Iterable[str]] = ..., cosine: _Optional[float] = ..., ceiling: _Optional[float] = ..., share: _Optional[float] = ..., retrieval: _Optional[float] = ..., classifier: _Optional[float] = ..., judge: _Optional[float] = ..., seeds: _Optional[float] = ..., null_other: _Optional[float] = ..., null_zero: _Optional[float] = ..., scores: _Optional[_Iterable[_Union[SeedScore, _Mapping]]] = ..., tries: _Optional[int] = ...) -> None: ...

class SeedScore(_message.Message):
    __slots__ = ("seed", "cosine", "rank", "classifier", "judge", "noise")
    SEED_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    JUDGE_FIELD_NUMBER: _ClassVar[int]
    NOISE_FIELD_NUMBER: _ClassVar[int]
    seed: int
    cosine: float
    rank: int
    classifier: str
    judge: str
    noise: int
    def __init__(self, seed: _Optional[int] = ..., cosine: _Optional[float] = ..., rank: _Optional[int] = ..., classifier: _Optional[str] = ..., judge: _Optional[str] = ..., noise: _Optional[int] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("medoid", "neighbours", "purity", "share")
    MEDOID_FIELD_NUMBER: _ClassVar[int]
    NEIGHBOURS_FIELD_NUMBER: _ClassVar[int]
    PURITY_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    medoid: Segment
    neighbours: _containers.RepeatedCompositeFieldContainer[Segment]
    purity: float
    share: float
    def __init__(self, medoid: _Optional[_Union[Segment, _Mapping]] = ..., neighbours: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ..., purity: _Optional[float] = ..., share: _Optional[float] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("file", "offset_s", "label", "source", "licence", "distance")
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    file: str
    offset_s: float
    label: str
    source: str
    licence: str
    distance: float
    def __init__(self, file: _Optional[str] = ..., offset_s: _Optional[float] = ..., label: _Optional[str] = ..., source: _Optional[str] = ..., licence: _Optional[str] = ..., distance: _Optional[float] = ...) -> None: ...

class GetPrototypeAudioRequest(_message.Message):
    __slots__ = ("id", "kind", "seed", "format")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: RenderingKind
    seed: int
    format: AudioFormat
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[RenderingKind, str]] = ..., seed: _Optional[int] = ..., format: _Optional[_Union[AudioFormat, str]] = ...) -> None: ...

class SonifyRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: SonifyOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[SonifyOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class SonifyOptions(_message.Message):
    __slots__ = ("model", "embedding", "prototypes", "path", "seed", "steps", "guidance", "format", "timeout_s")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    GUIDANCE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    model: str
    embedding: _containers.RepeatedScalarFieldContainer[float]
    prototypes: _containers.RepeatedCompositeFieldContainer[WeightedPrototype]
    path: CounterfactualPath
    seed: int
    steps: int
    guidance: float
    format: AudioFormat
    timeout_s: float
    def __init__(self, model: _Optional[str] = ..., embedding: _Optional[_Iterable[float]] = ..., prototypes: _Optional[_Iterable[_Union[WeightedPrototype, _Mapping]]] = ..., path: _Optional[_Union[CounterfactualPath, _Mapping]] = ..., seed: _Optional[int] = ..., steps: _Optional[int] = ..., guidance: _Optional[float] = ..., format: _Optional[_Union[AudioFormat, str]] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class WeightedPrototype(_message.Message):
    __slots__ = ("id", "weight")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    id: str
    weight: float
    def __init__(self, id: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class CounterfactualPath(_message.Message):
    __slots__ = ("to_label", "from_label", "points")
    TO_LABEL_FIELD_NUMBER: _ClassVar[int]
    FROM_LABEL_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    to_label: str
    from_label: str
    points: int
    def __init__(self, to_label: _Optional[str] = ..., from_label: _Optional[str] = ..., points: _Optional[int] = ...) -> None: ...

class AudioChunk(_message.Message):
    __slots__ = ("header", "data")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    header: AudioHeader
    data: bytes
    def __init__(self, header: _Optional[_Union[AudioHeader, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class AudioHeader(_message.Message):
    __slots__ = ("request_id", "media_type", "duration_s", "n_bytes", "etag", "rendering", "model", "sample_rate_hz", "n_samples", "labels", "scores")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    N_BYTES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    RENDERING_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    N_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    media_type: str
    duration_s: float
    n_bytes: int
    etag: str
    rendering: Rendering
    model: str
    sample_rate_hz: int
    n_samples: int
    labels: _containers.RepeatedScalarFieldContainer[str]
    scores: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, request_id: _Optional[str] = ..., media_type: _Optional[str] = ..., duration_s: _Optional[float] = ..., n_bytes: _Optional[int] = ..., etag: _Optional[str] = ..., rendering: _Optional[_Union[Rendering, _Mapping]] = ..., model: _Optional[str] = ..., sample_rate_hz: _Optional[int] = ..., n_samples: _Optional[int] = ..., labels: _Optional[_Iterable[str]] = ..., scores: _Optional[_Iterable[float]] = ...) -> None: ...
