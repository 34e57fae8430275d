"""Models: cards, weights, front ends, networks and their runtimes. Knows nothing of serving, faces or caches.

`card`, `registry`, `patches` and `weights` import no torch, so that the gateway can use them; `frontend`, `nets`
and `runtime` hold the computation and are imported by workers, notebooks and exports.
"""
