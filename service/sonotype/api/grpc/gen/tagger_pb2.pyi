import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sonotype.api.grpc.gen import catalog_pb2 as _catalog_pb2
from sonotype.api.grpc.gen import sonotype_pb2 as _sonotype_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateTaggerRequest(_message.Message):
    __slots__ = ("name", "csv", "labels", "method", "budget", "k")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    name: str
    csv: bytes
    labels: _containers.RepeatedScalarFieldContainer[str]
    method: str
    budget: float
    k: int
    def __init__(self, name: _Optional[str] = ..., csv: _Optional[bytes] = ..., labels: _Optional[_Iterable[str]] = ..., method: _Optional[str] = ..., budget: _Optional[float] = ..., k: _Optional[int] = ..., **kwargs) -> None: ...

class Tagger(_message.Message):
    __slots__ = ("name", "model", "labels", "generation", "method", "budget", "k", "created_at", "version", "tracks", "prototypes", "corrections", "stale")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    name: str
    model: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    generation: str
    method: str
    budget: int
    k: int
    created_at: _timestamp_pb2.Timestamp
    version: int
    tracks: int
    prototypes: int
    corrections: int
    stale: bool
    def __init__(self, name: _Optional[str] = ..., model: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., generation: _Optional[str] = ..., method: _Optional[str] = ..., budget: _Optional[int] = ..., k: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., tracks: _Optional[int] = ..., prototypes: _Optional[int] = ..., corrections: _Optional[int] = ..., stale: _Optional[bool] = ...) -> None: ...

class ListTaggersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTaggersResponse(_message.Message):
    __slots__ = ("taggers", "fitting")
    TAGGERS_FIELD_NUMBER: _ClassVar[int]
    FITTING_FIELD_NUMBER: _ClassVar[int]
    taggers: _containers.RepeatedCompositeFieldContainer[Tagger]
    fitting: _containers.RepeatedCompositeFieldContainer[FittingTagger]
    def __init__(self, taggers: _Optional[_Iterable[_Union[Tagger, _Mapping]]] = ..., fitting: _Optional[_Iterable[_Union[FittingTagger, _Mapping]]] = ...) -> None: ...

class FittingTagger(_message.Message):
    __slots__ = ("name", "phase", "tracks")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    name: str
    phase: str
    tracks: int
    def __init__(self, name: _Optional[str] = ..., phase: _Optional[str] = ..., tracks: _Optional[int] = ...) -> None: ...

class GetTaggerRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteTaggerRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteTaggerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TagRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: TagOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[TagOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class TagOptions(_message.Message):
    __slots__ = ("name", "tracks", "embedding", "top_k", "all", "threshold", "lane", "timeout_s")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    name: str
    tracks: _containers.RepeatedScalarFieldContainer[str]
    embedding: _containers.RepeatedScalarFieldContainer[float]
    top_k: int
    all: bool
    threshold: float
    lane: _sonotype_pb2.Lane
    timeout_s: float
    def __init__(self, name: _Optional[str] = ..., tracks: _Optional[_Iterable[str]] = ..., embedding: _Optional[_Iterable[float]] = ..., top_k: _Optional[int] = ..., all: _Optional[bool] = ..., threshold: _Optional[float] = ..., lane: _Optional[_Union[_sonotype_pb2.Lane, str]] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class TagResponse(_message.Message):
    __slots__ = ("request_id", "tagger", "version", "stale", "answers")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TAGGER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tagger: str
    version: int
    stale: bool
    answers: _containers.RepeatedCompositeFieldContainer[TaggerAnswer]
    def __init__(self, request_id: _Optional[str] = ..., tagger: _Optional[str] = ..., version: _Optional[int] = ..., stale: _Optional[bool] = ..., answers: _Optional[_Iterable[_Union[TaggerAnswer, _Mapping]]] = ...) -> None: ...

class TaggerAnswer(_message.Message):
    __slots__ = ("track", "tags", "prototypes", "percentile", "far")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    FAR_FIELD_NUMBER: _ClassVar[int]
    track: str
    tags: _containers.RepeatedCompositeFieldContainer[TaggerTag]
    prototypes: _containers.RepeatedCompositeFieldContainer[NearPrototype]
    percentile: float
    far: bool
    def __init__(self, track: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[TaggerTag, _Mapping]]] = ..., prototypes: _Optional[_Iterable[_Union[NearPrototype, _Mapping]]] = ..., percentile: _Optional[float] = ..., far: _Optional[bool] = ...) -> None: ...

class TaggerTag(_message.Message):
    __slots__ = ("label", "score", "shares")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    label: str
    score: float
    shares: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, label: _Optional[str] = ..., score: _Optional[float] = ..., shares: _Optional[_Iterable[float]] = ...) -> None: ...

class NearPrototype(_message.Message):
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

class FeedbackRequest(_message.Message):
    __slots__ = ("name", "track", "label", "event")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    IS_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    track: str
    label: str
    event: str
    def __init__(self, name: _Optional[str] = ..., track: _Optional[str] = ..., label: _Optional[str] = ..., event: _Optional[str] = ..., **kwargs) -> None: ...

class UndoRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class RollbackTaggerRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class TaggerChange(_message.Message):
    __slots__ = ("version", "kind", "at", "event", "track", "label", "split", "merged", "target", "prototypes", "replayed")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    IS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    MERGED_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    version: int
    kind: str
    at: _timestamp_pb2.Timestamp
    event: str
    track: str
    label: str
    split: bool
    merged: bool
    target: int
    prototypes: int
    replayed: bool
    def __init__(self, version: _Optional[int] = ..., kind: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event: _Optional[str] = ..., track: _Optional[str] = ..., label: _Optional[str] = ..., split: _Optional[bool] = ..., merged: _Optional[bool] = ..., target: _Optional[int] = ..., prototypes: _Optional[int] = ..., replayed: _Optional[bool] = ..., **kwargs) -> None: ...

class ListTaggerVersionsRequest(_message.Message):
    __slots__ = ("name", "limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListTaggerVersionsResponse(_message.Message):
    __slots__ = ("current", "versions")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    current: int
    versions: _containers.RepeatedCompositeFieldContainer[TaggerChange]
    def __init__(self, current: _Optional[int] = ..., versions: _Optional[_Iterable[_Union[TaggerChange, _Mapping]]] = ...) -> None: ...

class ReportTaggerRequest(_message.Message):
    __slots__ = ("name", "limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class TaggerReport(_message.Message):
    __slots__ = ("tagger", "tracks", "artists", "sizes", "doubts", "doubted")
    TAGGER_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    ARTISTS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    DOUBTS_FIELD_NUMBER: _ClassVar[int]
    DOUBTED_FIELD_NUMBER: _ClassVar[int]
    tagger: Tagger
    tracks: int
    artists: int
    sizes: _containers.RepeatedCompositeFieldContainer[TaggerSize]
    doubts: _containers.RepeatedCompositeFieldContainer[TaggerDoubt]
    doubted: int
    def __init__(self, tagger: _Optional[_Union[Tagger, _Mapping]] = ..., tracks: _Optional[int] = ..., artists: _Optional[int] = ..., sizes: _Optional[_Iterable[_Union[TaggerSize, _Mapping]]] = ..., doubts: _Optional[_Iterable[_Union[TaggerDoubt, _Mapping]]] = ..., doubted: _Optional[int] = ...) -> None: ...

class TaggerSize(_message.Message):
    __slots__ = ("share", "prototypes", "mean_average_precision")
    SHARE_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPES_FIELD_NUMBER: _ClassVar[int]
    MEAN_AVERAGE_PRECISION_FIELD_NUMBER: _ClassVar[int]
    share: float
    prototypes: float
    mean_average_precision: float
    def __init__(self, share: _Optional[float] = ..., prototypes: _Optional[float] = ..., mean_average_precision: _Optional[float] = ...) -> None: ...

class TaggerDoubt(_message.Message):
    __slots__ = ("track", "label", "agreement")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    IS_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    track: str
    label: str
    agreement: float
    def __init__(self, track: _Optional[str] = ..., label: _Optional[str] = ..., agreement: _Optional[float] = ..., **kwargs) -> None: ...
