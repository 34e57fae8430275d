"""API keys that are right, wrong, missing, or no text at all."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.keys import KeyRing


def test_a_right_key_names_its_client_and_every_other_is_refused() -> None:
    keys = KeyRing([SecretStr("right"), SecretStr("also right")])
    assert keys.client("right") != keys.client("also right")
    for wrong in (None, "", "wrong", "right ", "\ud800", "\udcff" * 1000):
        with pytest.raises(SonotypeError) as caught:
            keys.client(wrong)
        assert caught.value.code is Code.UNAUTHENTICATED


def test_an_open_service_knows_no_clients() -> None:
    assert KeyRing([]).client("\ud800") is None
