"""The real plane inside the test's process: real children, fake models, folders of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from prototype_models import FAKES, make_model
from sonotype.core.settings import Settings
from sonotype.main import open_plane
from sonotype.plane.service import Service


def plane_settings(folder: Path, **changes: object) -> Settings:
    values: dict[str, object] = {
        "model_path": [FAKES, folder / "models"],
        "models": ["fake", "plain", "slow", "mute"],
        "data_dir": folder / "data",
        "weights_dir": folder / "weights",
        "devices": "cpu:1",
        "decode_workers": 1,
        "sonify_threads": 1,
        "sonify_queue": 2,
    }
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three prototype models on the network `fake`: plain, slow to sonify, and without a decoder."""
    made = tmp_path_factory.mktemp("plane")
    (made / "models").mkdir()
    make_model(made / "models", name="plain")
    make_model(made / "models", name="slow", labels=("flute", "oboe"), delay_ms=60)
    make_model(made / "models", name="mute", decoder=False, multilabel=True)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(folder: Path) -> AsyncIterator[Service]:
    """The plane on `folder`."""
    async with open_plane(plane_settings(folder)) as opened:
        await opened.wait_ready()
        yield opened
