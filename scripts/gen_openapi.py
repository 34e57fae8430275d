"""Write `docs/openapi.json`, the REST contract, from the app.

python scripts/gen_openapi.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from sonotype.api.http import create_app
from sonotype.core.settings import Settings
from sonotype.plane.port import Plane

TARGET = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"


def render() -> str:
    """The contract as it should stand in the file. The plane is not needed: nothing is called."""
    document: dict[str, Any] = create_app(cast(Plane, None), Settings()).openapi()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render())
    sys.stdout.write(f"{TARGET}\n")
