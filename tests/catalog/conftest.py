"""Asserts in the shared tests explain themselves like those in test files."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("conformance", "embedded_kit")
