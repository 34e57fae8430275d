from sonotype.api.grpc.gen import sonotype_pb2 as _sonotype_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_FORMAT_UNSPECIFIED: _ClassVar[StreamFormat]
    STREAM_FORMAT_ENCODED: _ClassVar[StreamFormat]
    STREAM_FORMAT_PCM_S16LE: _ClassVar[StreamFormat]
    STREAM_FORMAT_PCM_F32LE: _ClassVar[StreamFormat]
STREAM_FORMAT_UNSPECIFIED: StreamFormat
STREAM_FORMAT_ENCODED: StreamFormat
STREAM_FORMAT_PCM_S16LE: StreamFormat
STREAM_FORMAT_PCM_F32LE: StreamFormat

class ListenRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: ListenOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[ListenOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ListenOptions(_message.Message):
    __slots__ = ("models", "hop_s", "smoothing_s", "top_k", "all_tags", "threshold", "quality", "frontend", "format", "sample_rate_hz", "channels")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    HOP_S_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_S_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    ALL_TAGS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    FRONTEND_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedScalarFieldContainer[str]
    hop_s: float
    smoothing_s: float
    top_k: int
    all_tags: bool
    threshold: float
    quality: _sonotype_pb2.Quality
    frontend: str
    format: StreamFormat
    sample_rate_hz: int
    channels: int
    def __init__(self, models: _Optional[_Iterable[str]] = ..., hop_s: _Optional[float] = ..., smoothing_s: _Optional[float] = ..., top_k: _Optional[int] = ..., all_tags: _Optional[bool] = ..., threshold: _Optional[float] = ..., quality: _Optional[_Union[_sonotype_pb2.Quality, str]] = ..., frontend: _Optional[str] = ..., format: _Optional[_Union[StreamFormat, str]] = ..., sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ...) -> None: ...

class ListenResponse(_message.Message):
    __slots__ = ("ready", "tags", "done")
    READY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    ready: ListenReady
    tags: LiveTags
    done: ListenDone
    def __init__(self, ready: _Optional[_Union[ListenReady, _Mapping]] = ..., tags: _Optional[_Union[LiveTags, _Mapping]] = ..., done: _Optional[_Union[ListenDone, _Mapping]] = ...) -> None: ...

class ListenReady(_message.Message):
    __slots__ = ("request_id", "models")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    models: _containers.RepeatedCompositeFieldContainer[LiveModel]
    def __init__(self, request_id: _Optional[str] = ..., models: _Optional[_Iterable[_Union[LiveModel, _Mapping]]] = ...) -> None: ...

class LiveModel(_message.Message):
    __slots__ = ("model", "task", "n_labels", "patch_s", "hop_s")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    N_LABELS_FIELD_NUMBER: _ClassVar[int]
    PATCH_S_FIELD_NUMBER: _ClassVar[int]
    HOP_S_FIELD_NUMBER: _ClassVar[int]
    model: str
    task: str
    n_labels: int
    patch_s: float
    hop_s: float
    def __init__(self, model: _Optional[str] = ..., task: _Optional[str] = ..., n_labels: _Optional[int] = ..., patch_s: _Optional[float] = ..., hop_s: _Optional[float] = ...) -> None: ...

class LiveTags(_message.Message):
    __slots__ = ("time_s", "start_s", "lag_s", "models")
    TIME_S_FIELD_NUMBER: _ClassVar[int]
    START_S_FIELD_NUMBER: _ClassVar[int]
    LAG_S_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    time_s: float
    start_s: float
    lag_s: float
    models: _containers.RepeatedCompositeFieldContainer[LiveModelTags]
    def __init__(self, time_s: _Optional[float] = ..., start_s: _Optional[float] = ..., lag_s: _Optional[float] = ..., models: _Optional[_Iterable[_Union[LiveModelTags, _Mapping]]] = ...) -> None: ...

class LiveModelTags(_message.Message):
    __slots__ = ("model", "tags")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    model: str
    tags: _containers.RepeatedCompositeFieldContainer[LiveTag]
    def __init__(self, model: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[LiveTag, _Mapping]]] = ...) -> None: ...

class LiveTag(_message.Message):
    __slots__ = ("label", "score", "raw")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    label: str
    score: float
    raw: float
    def __init__(self, label: _Optional[str] = ..., score: _Optional[float] = ..., raw: _Optional[float] = ...) -> None: ...

class ListenDone(_message.Message):
    __slots__ = ("audio_s", "answers")
    AUDIO_S_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    audio_s: float
    answers: int
    def __init__(self, audio_s: _Optional[float] = ..., answers: _Optional[int] = ...) -> None: ...
