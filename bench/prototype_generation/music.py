"""Tag data in embedding space out of real music: vectors of one network, labels of another.

    python -m bench.prototype_generation.music FOLDER … --out tags.npz

The features are MusiCNN-MSD's embedding of every three seconds, the labels the tags of MusiCNN-MTT above a threshold:
what a second network hears, as no large collection of free music with tags can be had.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.maest.music import files, read
from sonotype.core.settings import Settings
from sonotype.models.patches import Patcher
from sonotype.models.registry import Registry
from sonotype.models.runtime import Runtime, load

LONGEST_S = 60.0


def network(name: str) -> Runtime:
    """A pulled network on the CPU."""
    registry = Registry([], Settings().weights_dir)
    card = registry.get(name)
    return load(card, registry.weights_path(card), "cpu", "fp32")


def outputs(samples: np.ndarray, runtime: Runtime, name: str) -> np.ndarray:
    """One output of a network for every patch, [patches, …]."""
    card = runtime.card
    patcher = Patcher(card.mel_frontends[card.default_frontend], card.patch)
    windows = [window.samples for window in [*patcher.feed(samples), *patcher.finish()]]
    valid = np.full(len(windows), card.patch.frames)
    return runtime.run(np.stack(windows), valid, "repeat", card.default_frontend).arrays[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path, nargs="+", help="folders of audio files")
    parser.add_argument("--out", type=Path, required=True, help="an NPZ of x, tags and track, one row per patch")
    options = parser.parse_args()
    ears, teacher = network("musicnn-msd"), network("musicnn-mtt")
    x, tags, track = [], [], []
    for number, path in enumerate(files(options.music)):
        samples = read(path, LONGEST_S)
        if samples is None:
            continue
        x.append(outputs(samples, ears, "penultimate"))
        tags.append(outputs(samples, teacher, "tags"))
        track.append(np.full(len(tags[-1]), number))
    np.savez(options.out, x=np.concatenate(x), tags=np.concatenate(tags), track=np.concatenate(track))
    Console().print(f"{len(track)} tracks, {sum(map(len, track))} patches")


if __name__ == "__main__":
    main()
