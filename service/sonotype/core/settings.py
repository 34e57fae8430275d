"""Settings: one class, one prefix, each with its unit in its name.

Every setting can be given as an environment variable (`SONOTYPE_` + the upper-case name) and many as a flag of
`sonotype serve`; a flag beats the environment, the environment beats the default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Everything a deployment can choose. Unknown names are refused."""

    model_config = SettingsConfigDict(env_prefix="SONOTYPE_", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="address of the REST and gRPC listeners")
    port: int = Field(8000, ge=0, le=65535, description="REST port; 0 picks a free one")
    grpc_port: int = Field(50051, ge=0, le=65535, description="gRPC port; 0 picks a free one")
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("sonotype"),
        description="durable data: the catalogue, the embedded cache and rendered prototypes",
    )
    weights_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("sonotype") / "weights",
        description="pulled and converted weights",
    )
    model_path: Annotated[list[Path], NoDecode] = Field(
        default_factory=list, description="further model repositories (folders of `<name>/card.toml`)"
    )
    models: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="models to serve; empty means every model whose weights are here"
    )
    default_model: str = Field("musicnn-msd", description="the model used when a request names none")

    devices: str = Field(
        "auto", description="`auto`, `cpu`, `cpu:N` (N worker processes) or `cuda:0,cuda:1` (one worker each)"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="`auto` takes bf16 where the CPU or GPU computes it natively"
    )
    engine: Literal["auto", "measure", "torch", "openvino", "onnxruntime"] = Field(
        "auto", description="what computes networks: `auto` the card's or the device's best, `measure` tries all"
    )
    model_control: Literal["none", "explicit", "poll"] = Field(
        "explicit",
        description="who may load models into the running service: nobody, callers, or it watches the folders",
    )
    model_poll_s: float = Field(5.0, gt=0, description="how often `poll` looks at the model repositories")
    commercial: bool = Field(
        False, description="this deployment is commercial: weights whose licence forbids that are never served"
    )
    accept_license: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="SPDX names of the non-commercial licences that are accepted for pulling"
    )
    live_sessions: int = Field(32, ge=0, description="live tagging connections at once; 0 refuses them")
    live_hop_s: float = Field(0.25, gt=0, description="smallest time between two live answers that may be asked for")

    decode_workers: int = Field(
        default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, description="decoder child processes"
    )

    max_upload_bytes: int = Field(50 * 2**20, ge=1024, description="largest upload")
    max_inflight_bytes: int = Field(512 * 2**20, ge=1024, description="bytes of uploads held at once")
    upload_idle_timeout_s: float = Field(10.0, gt=0, description="an upload that sends nothing this long is refused")
    max_clip_s: float = Field(3600.0, gt=0, description="longest audio, counted on decoded samples")
    min_clip_s: float = Field(0.1, gt=0, description="shortest audio")
    deadline_s: float = Field(60.0, gt=0, description="default and largest deadline of a request")
    max_queue_audio_s: float = Field(
        14400.0, gt=0, description="seconds of audio admitted at once; more is refused with Retry-After"
    )
    key_audio_s_per_minute: float = Field(
        0.0, ge=0, description="quota per API key of analysed and generated audio (seconds per minute); 0 means none"
    )
    api_keys: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list, description="accepted API keys; empty means open"
    )

    batch_delay_ms: float = Field(5.0, ge=0, description="longest wait for batch-mates, interactive lane")
    batch_delay_bulk_ms: float = Field(50.0, ge=0, description="longest wait for batch-mates, bulk lane")
    batch_audio_s: float = Field(
        0.0, ge=0, description="cost budget of a batch in seconds of audio; 0 lets the device decide"
    )
    worker_batch_timeout_s: float = Field(30.0, gt=0, description="a batch that runs longer is a hang")
    drain_notice_s: float = Field(
        0.0, ge=0, description="on SIGTERM, seconds from `/readyz` saying 503 to refusing work; the probe period"
    )
    drain_s: float = Field(30.0, gt=0, description="time given to running requests on SIGTERM")

    sonify_threads: int = Field(
        1,
        ge=1,
        description="threads of the sonification process, which runs at low priority; more only help large decoders",
    )
    sonify_queue: int = Field(
        16, ge=1, description="sonifications that may wait or run at once; more are refused with Retry-After"
    )
    sonify_timeout_s: float = Field(30.0, gt=0, description="a sonification that sends no samples this long is a hang")
    sonify_warm: bool = Field(
        True, description="load decoders and render prototypes after the start, while nobody asks"
    )

    catalog_url: SecretStr = Field(
        SecretStr(""),
        description="catalogue: empty for the embedded engine in the data directory, or a Milvus (`http://host:19530`)",
    )
    catalog_embedding: str = Field(
        "musicnn-msd@penultimate", description="`<model>@<embedding>` that similarity is computed with"
    )
    catalog_models: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="models whose labels and evidence are kept with a track; empty means the default model and every "
        "served prototype model",
    )
    catalog_full_at: float = Field(
        0.95, gt=0, le=1, description="share of the disk from which the catalogue refuses to store"
    )
    ingest_root: Path | None = Field(
        None, description="folder that jobs may read audio from; without one the service takes no jobs"
    )
    ingest_concurrency: int = Field(4, ge=1, description="files of a job that are analysed at once, in the bulk lane")

    redis_url: SecretStr | None = Field(None, description="cache in Redis; without it an embedded SQLite store")
    cache_ttl_s: float = Field(30 * 86400.0, gt=0, description="life of a cached answer, jittered by 10 %")
    cache_max_bytes: int = Field(2 * 2**30, ge=2**20, description="size of the embedded cache")

    log_format: Literal["auto", "console", "json"] = Field("auto", description="`auto`: console on a terminal")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="lowest level that is logged")

    @field_validator("models", "model_path", "api_keys", "catalog_models", "accept_license", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        """Lists come from the environment as `a,b`, the form people type."""
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value
