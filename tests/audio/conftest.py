"""A pool for the tests of the decoder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import audio_kit
import pytest

from sonotype.audio.pool import DecodeLimits, DecoderPool


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """Three seconds of music in every container."""
    return audio_kit.every_format(3.0)


@pytest.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    """One child, a cap of ten minutes."""
    pool = DecoderPool(1, DecodeLimits(max_clip_s=600))
    await pool.start()
    yield pool
    await pool.aclose()
