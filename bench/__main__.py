"""`python -m bench NAME …`: run one benchmark; without a name, say which there are."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Hand the arguments to `bench.NAME.run.main`."""
    names = sorted(path.parent.name.replace("_", "-") for path in Path(__file__).parent.glob("*/run.py"))
    if len(sys.argv) < 2 or sys.argv[1].replace("_", "-") not in names:
        sys.exit(f"usage: python -m bench {{{','.join(names)}}} …  (see bench/README.md)")
    name = sys.argv.pop(1)
    importlib.import_module(f"bench.{name.replace('-', '_')}.run").main()


if __name__ == "__main__":
    main()
