"""The peer: the bare pass behind LitServe, one worker, JSON with base64 as its documentation sends files."""

from __future__ import annotations

import base64
import sys
from typing import Any

import litserve

from bench.serving.bare import Bare


class Tagger(litserve.LitAPI):
    """Mean tags of an uploaded file."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model

    def setup(self, device: str) -> None:
        """Load the model in the worker."""
        self._bare = Bare(self._model)

    def decode_request(self, request: dict[str, str]) -> bytes:
        """The file."""
        return base64.b64decode(request["audio"])

    def predict(self, x: bytes) -> list[float]:
        """The tags."""
        return self._bare.run(x)

    def encode_response(self, output: list[float]) -> dict[str, Any]:
        """The answer."""
        return {"tags": output}


if __name__ == "__main__":
    server = litserve.LitServer(Tagger(sys.argv[2]), accelerator="cpu", workers_per_device=1, timeout=120)
    server.run(port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False, log_level="warning")
