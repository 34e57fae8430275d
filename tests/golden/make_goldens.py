"""Run the original TensorFlow networks on the golden clips and keep what they say.

Needs an environment of its own, see README.md. The networks are taken from the training graphs stored beside the
checkpoints (`.meta`). For the three whose published code agrees with that graph, the unmodified `musicnn.extractor`
is run as well and must give the same taggram.

Usage: python make_goldens.py [CLIP.mp3 ...]   (default: every clip in clips/)
"""

from __future__ import annotations

import functools
import json
import os
import sys
import warnings
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.filterwarnings("ignore")

import librosa  # noqa: E402
import musicnn  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from musicnn import configuration, extractor  # noqa: E402
from tensorflow.core.protobuf import meta_graph_pb2  # noqa: E402

HERE = Path(__file__).parent
MODELS = {
    "musicnn-msd": "MSD_musicnn",
    "musicnn-mtt": "MTT_musicnn",
    "vgg-msd": "MSD_vgg",
    "vgg-mtt": "MTT_vgg",
}
FETCH = {
    "musicnn": {
        "tags": "model/Sigmoid:0",
        "penultimate": "model/batch_normalization_10/batchnorm/add_1:0",
        "pooled": "model/Flatten/flatten/Reshape:0",
    },
    "vgg": {"tags": "model/Sigmoid:0", "flatten": "model/Flatten/flatten/Reshape:0"},
}
FRAMES = 187
melspectrogram = librosa.feature.melspectrogram


def run_graph(original: str, mel: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of the training graph of a checkpoint, in inference mode, for mel [B, 187, 96]."""
    folder = Path(musicnn.__file__).parent / original
    meta = meta_graph_pb2.MetaGraphDef()
    meta.ParseFromString((folder / ".meta").read_bytes())
    network = tf.compat.v1.graph_util.extract_sub_graph(meta.graph_def, ["model/Sigmoid"])
    checkpoint = tf.compat.v1.train.NewCheckpointReader(f"{folder}/")
    feed = {"model/Placeholder:0": mel, "model/Placeholder_2:0": False}
    for node in network.node:
        node.device = ""
        if node.op == "VariableV2":
            feed[f"{node.name}/read:0"] = checkpoint.get_tensor(node.name)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(network, name="")
        return session.run(FETCH[original.split("_")[1]], feed)


def check_extractor(original: str, clip: Path, tags: np.ndarray) -> None:
    """The published code must agree with its training graph; for MSD_vgg it is known to pool differently."""
    taggram, _ = extractor.extractor(str(clip), model=original, extract_features=False)
    difference = float(np.abs(taggram - tags).max())
    print(f"\n{clip.stem} {original}: extractor against graph {difference:.1e}")
    assert difference < 1e-5 or original == "MSD_vgg", difference


def mel_patches(clip: Path, pad_mode: str) -> np.ndarray:
    """Patches of the package's own front end, with the edge padding of one or the other generation of librosa."""
    librosa.feature.melspectrogram = functools.partial(melspectrogram, pad_mode=pad_mode)
    mel, _ = extractor.batch_data(str(clip), FRAMES, FRAMES)
    librosa.feature.melspectrogram = melspectrogram
    return mel


def power_of(mel: np.ndarray) -> np.ndarray:
    """The float16 mel power that log-mel patches were made from: half the bytes, and exact."""
    power = ((10.0 ** mel.astype(np.float64) - 1) / 10000).astype(np.float16)
    assert np.array_equal(np.log10(10000 * power.astype(np.float32) + 1), mel), "the patches do not follow"
    return power


def top_tags(original: str, tags: np.ndarray) -> list[list[object]]:
    """The ten highest tag means with their labels."""
    labels = configuration.MSD_LABELS if "MSD" in original else configuration.MTT_LABELS
    means = tags.mean(axis=0)
    return [[labels[i], round(float(means[i]), 6)] for i in np.argsort(-means)[:10]]


def golden(clip: Path) -> dict[str, object]:
    """Write the arrays of one clip and return its top tags by model."""
    trained, today = mel_patches(clip, "reflect"), mel_patches(clip, "constant")
    kept = [0, len(trained) - 1]
    arrays: dict[str, np.ndarray] = {"patches": np.array(kept), "mel_power": power_of(trained[kept])}
    tops: dict[str, object] = {}
    for name, original in MODELS.items():
        outputs = run_graph(original, trained)
        arrays[f"{name}/taggram"] = outputs.pop("tags")
        arrays |= {f"{name}/{key}": value[kept] for key, value in outputs.items()}
        arrays[f"{name}/taggram_today"] = run_graph(original, today)["tags"]
        check_extractor(original, clip, arrays[f"{name}/taggram_today"])
        tops[name] = top_tags(original, arrays[f"{name}/taggram"])
    np.savez_compressed(HERE / f"{clip.stem}.npz", **arrays)
    return tops


def main() -> None:
    """Write the goldens of every clip."""
    assert np.__version__.startswith("1."), "numpy 2 keeps float16 where the original needs float32, and gives NaN"
    clips = [Path(name) for name in sys.argv[1:]] or sorted((HERE / "clips").glob("*.mp3"))
    expected = {clip.name: golden(clip) for clip in clips}
    (HERE / "top_tags.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
