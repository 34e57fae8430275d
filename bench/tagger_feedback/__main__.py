"""Corrections of a tagger: milliseconds at many prototypes, and accuracy beside a refit.

    python -m bench.tagger_feedback cost --prototypes 10000 --dim 200
    python -m bench.tagger_feedback worth --corpora FOLDER

`FOLDER` holds one folder per corpus with `<name>-train.arff`, `<name>-test.arff` and `<name>.xml` in Mulan's format.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench.tagger_feedback.cost import cost
from bench.tagger_feedback.worth import worth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    costing = commands.add_parser("cost")
    costing.add_argument("--prototypes", type=int, default=10_000)
    costing.add_argument("--dim", type=int, default=200)
    costing.add_argument("--labels", type=int, default=50)
    costing.add_argument("--corrections", type=int, default=300)
    costing.add_argument("--folder", type=Path, default=None, help="where to write; default: a temporary folder")
    worthy = commands.add_parser("worth")
    worthy.add_argument("--corpora", type=Path, required=True)
    worthy.add_argument("--names", nargs="+", default=["emotions", "scene"])
    worthy.add_argument("--budget", type=float, default=0.1)
    given = parser.parse_args()
    if given.command == "cost":
        found = [cost(given.prototypes, given.dim, given.labels, given.corrections, given.folder)]
    else:
        found = [worth(given.corpora / name, name, given.budget, seed) for name in given.names for seed in range(3)]
    for line in found:
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
