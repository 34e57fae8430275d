"""OpenVINO without its telemetry: import it from here and from nowhere else.

Nothing is reported to anybody. The `openvino` distribution depends on `openvino-telemetry`, which the model converter
would use; this module makes that package unimportable in its process before OpenVINO is imported, so that OpenVINO
falls back to its own stub. No file is written and no socket opened.
"""

from __future__ import annotations

import sys

# None makes `import openvino_telemetry` raise ImportError, for which OpenVINO has a stub that does nothing
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402  (after the line above, which it must not precede)

__all__ = ["openvino"]
