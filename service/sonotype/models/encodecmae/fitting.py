"""Hold a state dict against the network that it is for, and keep of it what is new: shared tensors once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from sonotype.models.encodecmae.reading import corrupt


def shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shape by name."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def skeleton(make: Callable[[], nn.Module]) -> nn.Module:
    """A network with shapes and without memory."""
    with torch.device("meta"):
        return make()


def aliases(net: nn.Module) -> dict[str, str]:
    """Further names of tensors that a network holds under several, each with the first one.

    Stacks share their feed-forward, so this is every `encoder_layers.{i}.ff_layer.*` with i > 0.
    """
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for name, parameter in net.named_parameters(remove_duplicate=False):
        original = first.setdefault(id(parameter), name)
        if original != name:
            found[name] = original
    return found


def fitted(
    net: nn.Module, state: Mapping[str, Tensor], what: str, *, ignore: tuple[str, ...] = ()
) -> dict[str, Tensor]:
    """The tensors of `net` out of `state`, in float32, each stored once.

    Args:
        net: the network, best as a `skeleton`.
        state: the whole state dict; every name must be the network's.
        what: of the checkpoint, for messages.
        ignore: beginnings of names that do not matter.

    Raises:
        SonotypeError: `weights_corrupt` for a missing or unknown name, another shape, tensors that ought to be the
            same and are not, and numbers that are not finite.
    """
    wanted = shapes(net.state_dict())
    _check_names(wanted, {name for name in state if name in wanted or not name.startswith(ignore)}, what)
    for name, shape in wanted.items():
        if tuple(state[name].shape) != shape:
            raise corrupt(f"{what}: {name!r} has the shape {tuple(state[name].shape)}, not {shape}.")
    shared = aliases(net)
    for name, original in shared.items():
        if not torch.equal(state[name], state[original]):
            raise corrupt(f"{what}: {name!r} and {original!r} must be the same tensor and differ.")
    return {name: _finite(state[name], name, what) for name in wanted if name not in shared}


def _check_names(wanted: Mapping[str, object], given: set[str], what: str) -> None:
    if missing := sorted(wanted.keys() - given):
        raise corrupt(f"{what}: {len(missing)} tensors are missing, such as {missing[0]!r}.")
    if unknown := sorted(given - wanted.keys()):
        raise corrupt(f"{what}: {len(unknown)} tensors are unknown, such as {unknown[0][:120]!r}.")


def _finite(tensor: Tensor, name: str, what: str) -> Tensor:
    value = tensor.detach().to(torch.float32).contiguous()
    if not torch.isfinite(value).all():
        raise corrupt(f"{what}: {name!r} holds numbers that are not finite.")
    return value
