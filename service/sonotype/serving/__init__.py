"""The hot path: admission, batching, workers and the cache. Nothing here imports torch in the gateway process."""
