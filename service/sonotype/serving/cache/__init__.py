"""Answers kept by content: keys, the format of a value, the stores, and one computation for many callers."""

from __future__ import annotations

from sonotype.serving.cache.codec import decode, encode
from sonotype.serving.cache.factory import open_store
from sonotype.serving.cache.keys import Cut, cache_key
from sonotype.serving.cache.singleflight import SingleFlight
from sonotype.serving.cache.store import CacheStore

__all__ = ["CacheStore", "Cut", "SingleFlight", "cache_key", "decode", "encode", "open_store"]
