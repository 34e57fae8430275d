"""One contender: essentia-tensorflow, run by the interpreter of its own environment; imports nothing of ours.

Reads a path per line, answers a line of JSON with the mean tags.
"""

import json
import os
import sys

# one thread for everybody; TensorFlow reads these when it is loaded
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")

import essentia  # type: ignore[import-not-found]
from essentia.standard import MonoLoader, TensorflowPredictMusiCNN  # type: ignore[import-not-found]


def main(graph: str, quality: int, hop: int) -> None:
    """Answer until the input ends."""
    essentia.log.infoActive = essentia.log.warningActive = False
    network = TensorflowPredictMusiCNN(graphFilename=graph, patchHopSize=hop)
    for line in sys.stdin:
        samples = MonoLoader(filename=line.strip(), sampleRate=16000, resampleQuality=quality)()
        tags = network(samples).mean(axis=0)
        print(json.dumps({"tags": [float(tag) for tag in tags], "seconds": {}}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
