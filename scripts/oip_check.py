"""Hold a running service against the gRPC and the REST client of Triton, which somebody else wrote.

Needs an environment of its own with `tritonclient[all]`: its generated code has the same names as ours, so that both
cannot be in one process.

    python scripts/oip_check.py FILE [--rest localhost:8000] [--grpc localhost:50051] [--model NAME]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http


def main() -> None:
    """Ask both faces the same and compare; ends with an error where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="any audio file")
    parser.add_argument("--rest", default="localhost:8000")
    parser.add_argument("--grpc", default="localhost:50051")
    parser.add_argument("--model", default="musicnn-msd")
    asked = parser.parse_args()
    data = asked.file.read_bytes()
    rows = [
        _ask(tritonclient.http, asked.rest, asked.model, data),
        _ask(tritonclient.grpc, asked.grpc, asked.model, data),
    ]
    for name in rows[0]:
        np.testing.assert_array_equal(rows[0][name], rows[1][name], err_msg=name)
    labels, scores = rows[0]["labels"], rows[0]["scores"][0]
    for place in np.argsort(-scores)[:5]:
        sys.stdout.write(f"{scores[place]:.4f}  {labels[place].decode()}\n")
    sys.stdout.write(f"REST and gRPC agree on {', '.join(rows[0])}\n")


def _ask(client_of: ModuleType, address: str, model: str, data: bytes) -> dict[str, Any]:
    """Health, metadata and one request with two items."""
    with client_of.InferenceServerClient(address) as client:
        _hold(client.is_server_live() and client.is_server_ready() and client.is_model_ready(model), "health")
        server, metadata = _fields(client.get_server_metadata()), _fields(client.get_model_metadata(model))
        _hold("binary_tensor_data" in server["extensions"], "extensions")
        given = client_of.InferInput("audio", [2], "BYTES")
        given.set_data_from_numpy(np.array([data, data], dtype=np.object_))
        answer = client.infer(model, [given], request_id="check", parameters={"offset_s": 1.0})
        _refused(client_of, client, model)
        names = [output["name"] for output in metadata["outputs"]]
        return {name: answer.as_numpy(name) for name in names}


def _refused(client_of: ModuleType, client: Any, model: str) -> None:
    """An item that is no audio fails the request, and the error names it."""
    given = client_of.InferInput("audio", [1], "BYTES")
    given.set_data_from_numpy(np.array([b"no audio at all"], dtype=np.object_))
    try:
        client.infer(model, [given])
    except tritonclient.utils.InferenceServerException as error:
        sys.stdout.write(f"{client_of.__name__}: refused as it should be: {error}\n")
    else:
        raise SystemExit("what is no audio was answered")


def _fields(message: Any) -> dict[str, Any]:
    """A message, or what REST says, as a dict."""
    if isinstance(message, dict):
        return message
    outputs: Sequence[Any] = getattr(message, "outputs", ())
    extensions = list(getattr(message, "extensions", ()))
    return {"extensions": extensions, "outputs": [{"name": output.name} for output in outputs]}


def _hold(condition: bool, what: str) -> None:
    if not condition:
        raise SystemExit(f"{what}: not as the protocol says")


if __name__ == "__main__":
    main()
