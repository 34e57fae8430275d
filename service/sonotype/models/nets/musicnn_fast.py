"""MusiCNN rearranged for CPUs: the same function with two fifths of the multiplications.

Four exact rearrangements, each checked against the reference (`tests/models/test_fast_nets.py`):

1. *Timbral convolutions through the mel spectrum.* 81 % of the multiplications are two convolutions with kernels of
   38 and 67 of 96 bands. Along mel they become products of 96-point Fourier transforms, which is free of aliasing at
   the positions where the kernel fits. Only the transform back is large, and only the largest value over mel is
   wanted. With positions counted from the centre, value(+j) = C(j) + S(j) and value(-j) = C(j) - S(j), where C holds
   the cosines and S the sines; so max(value) = max over j >= 0 of C(j) + |S(j)|, half the work again.
2. *Bin 0 apart.* It adds the same number at every mel position, so it is added after the maximum, in float32. That
   takes the largest rounding error out of bf16.
3. *Temporal convolutions as Toeplitz products*: one matrix product gives several neighbouring frames.
4. *Maximum before ReLU and batch norm.* Where the norm's gain is negative the kernel's sign is turned, so that the
   order of values is kept and norm and ReLU run on the maxima only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from sonotype.models.nets.blocks import ConvReluNorm
from sonotype.models.nets.musicnn import N_MELS, MusiCNN

OUTPUTS = ("tags", "penultimate", "mean", "max", "hidden")
_BINS = N_MELS // 2  # bins 1…48; bin 0 goes its own way
_TAPS = 7
_STEP = 17  # frames per Toeplitz product; 187 = 11 * 17


class FastMusiCNN(nn.Module):
    """The network after `prepare`: plain matrix products and 1-D convolutions, ready for export.

    Args:
        net: the reference with its weights.
        frames: frames per patch; the exported graph is made for this length.
        chunks: parts in time of the timbral block; small parts keep float32 intermediates in the cache.
        bf16: round the spectral kernels to bf16 so that errors cancel over neighbouring frames.
    """

    def __init__(self, net: MusiCNN, frames: int = 187, *, chunks: int = 1, bf16: bool = False) -> None:
        super().__init__()
        self.prepare = Prepare(net, frames)
        self.timbral = nn.ModuleList(_Timbral(block, chunks, bf16) for block in _blocks(net.timbral))
        self.temporal = nn.ModuleList(_Temporal(block, frames) for block in _blocks(net.temporal))
        self._tail = net

    @property
    def bases(self) -> tuple[Tensor, ...]:
        """The cosine and sine matrices of `forward`, in order; inputs because engines keep constants in float32."""
        blocks = cast(Iterable[_Timbral], self.timbral)
        return tuple(basis for block in blocks for basis in (block.cosines, block.sines))

    def forward(self, spectra: Tensor, constant: Tensor, windows: Tensor, *bases: Tensor) -> tuple[Tensor, ...]:
        """Run the network on one patch.

        Args:
            spectra: from `prepare`, shape [48, frames, 14].
            constant: from `prepare`, shape [frames, 408].
            windows: from `prepare`, shape [blocks, 96, 144].
            bases: the four matrices of `bases`.

        Returns:
            `OUTPUTS`: tags [1, n_labels], penultimate [1, 200], mean [1, 753], max [1, 753], hidden [1, 200].
        """
        halves = constant.chunk(2, dim=1)
        front = [block(spectra, halves[i], bases[2 * i], bases[2 * i + 1]) for i, block in enumerate(self.timbral)]
        front += [block(windows) for block in self.temporal]
        out = self._tail.head(torch.cat(front, dim=1).t()[None])
        return tuple(out[name] for name in OUTPUTS)


class Prepare(nn.Module):
    """Input norm, transform along mel and unfolding of one patch, in float32: cheap, and it needs the precision."""

    fourier: Tensor
    kernel: Tensor

    def __init__(self, net: MusiCNN, frames: int) -> None:
        super().__init__()
        self.norm, self.frames = net.input_norm, frames
        self.blocks = -(-frames // _STEP)
        angle = 2 * math.pi / N_MELS * torch.outer(torch.arange(1, _BINS + 1), torch.arange(N_MELS)).double()
        rows = [torch.cos(angle), -torch.sin(angle), torch.ones(1, N_MELS, dtype=torch.float64)]
        self.register_buffer("fourier", torch.cat(rows).float(), persistent=False)
        # what bin 0 adds at each frame: seven taps over the sum of a frame's bands
        sums = [_signed_kernel(block).sum(dim=3)[:, 0].t() / N_MELS for block in _blocks(net.timbral)]
        self.register_buffer("kernel", torch.cat(sums, dim=1), persistent=False)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map log-mel [frames, 96] to the three data inputs of `FastMusiCNN.forward`."""
        x = self.norm(mel[None, None])[0, 0].t()
        spectrum = self.fourier @ nn.functional.pad(x, (3, 3))
        # real and imaginary parts side by side: seven frames are then one piece of memory, which copies faster
        pairs = spectrum[:-1].view(2, _BINS, -1).permute(1, 2, 0).contiguous()
        shape, stride = (_BINS, self.frames, 2 * _TAPS), (pairs.stride(0), 2, 1)
        spectra = pairs.as_strided(shape, stride).contiguous()
        constant = spectrum[-1].unfold(0, _TAPS, 1) @ self.kernel
        padded = nn.functional.pad(x, (63, self.blocks * _STEP - self.frames + 64))
        windows = padded.unfold(1, _STEP + 127, _STEP).permute(1, 0, 2).contiguous()
        return spectra, constant, windows


class _AfterMax(nn.Module):
    """Bias, ReLU and batch norm of one block on maxima of its sign-turned convolution."""

    sign: Tensor
    bias: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, block: ConvReluNorm) -> None:
        super().__init__()
        norm, bias = block.norm, cast(Tensor, block.conv.bias)
        scale = norm.weight / torch.sqrt(cast(Tensor, norm.running_var) + norm.eps)
        shift = norm.bias - cast(Tensor, norm.running_mean) * scale
        for name, value in (("sign", _sign(block)), ("bias", bias), ("scale", scale), ("shift", shift)):
            self.register_buffer(name, value.detach().clone(), persistent=False)

    def forward(self, peak: Tensor) -> Tensor:
        """Map [frames, filters] to the block's output, same shape."""
        return (peak * self.sign + self.bias).relu() * self.scale + self.shift


class _Timbral(nn.Module):
    """One wide convolution through the spectrum, with its maximum over mel."""

    real: Tensor
    imag: Tensor
    cosines: Tensor
    sines: Tensor

    def __init__(self, block: ConvReluNorm, chunks: int, bf16: bool) -> None:
        super().__init__()
        self.after, self.chunks = _AfterMax(block), chunks
        kernel = _signed_kernel(block)[:, 0].double()  # [filters, 7, bands]
        bands = kernel.shape[2]
        positions = N_MELS - bands + 1
        bins = torch.arange(1, _BINS + 1, dtype=torch.float64)
        # the phase that moves position 0 to the centre is a part of the kernel
        angle = 2 * math.pi / N_MELS * torch.outer(bins, torch.arange(bands) + (positions - 1) / 2)
        re, im = (torch.einsum("kq,ctq->ktc", wave, kernel) / N_MELS for wave in (torch.cos(angle), torch.sin(angle)))
        pairs = [torch.stack(pair, dim=2).flatten(1, 2) for pair in ((re, -im), (im, re))]  # [48, 14, filters]
        shape = _shaped if bf16 else Tensor.float
        self.register_buffer("real", shape(pairs[0]), persistent=False)
        self.register_buffer("imag", shape(pairs[1]), persistent=False)
        offset = torch.arange((positions + 1) // 2) + (0.0 if positions % 2 else 0.5)
        turn = 2 * math.pi / N_MELS * torch.outer(offset, bins)
        twice = torch.where(bins == _BINS, 1.0, 2.0)  # bin 48 has no mirror image
        self.register_buffer("cosines", (torch.cos(turn) * twice).float(), persistent=False)
        self.register_buffer("sines", (torch.sin(turn) * twice).float(), persistent=False)

    def forward(self, spectra: Tensor, constant: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        """Map spectra [48, frames, 14] to [frames, filters]."""
        size = -(-spectra.shape[1] // self.chunks)
        parts = [self._peaks(part, cosines, sines) for part in torch.split(spectra, size, dim=1)]
        peak: Tensor = self.after(torch.cat(parts) + constant)
        return peak

    def _peaks(self, spectra: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        frames, filters = spectra.shape[1], self.real.shape[2]
        even = cosines @ torch.bmm(spectra, self.real).reshape(_BINS, frames * filters)
        odd = sines @ torch.bmm(spectra, self.imag).reshape(_BINS, frames * filters)
        return (even + odd.abs()).amax(dim=0).reshape(frames, filters)


class _Temporal(nn.Module):
    """One long convolution over time as Toeplitz products, with its maximum over mel."""

    toeplitz: Tensor

    def __init__(self, block: ConvReluNorm, frames: int) -> None:
        super().__init__()
        self.after, self.frames = _AfterMax(block), frames
        kernel = _signed_kernel(block)[:, 0, :, 0].t().detach()  # [length, filters]
        length, self.filters = kernel.shape
        self.start, self.width = 63 - (length - 1) // 2, _STEP + length - 1
        toeplitz = torch.zeros(self.width, _STEP, self.filters)
        for step in range(_STEP):
            toeplitz[step : step + length, step] = kernel
        self.register_buffer("toeplitz", toeplitz.flatten(1), persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows [blocks, 96, 144] to [frames, filters]."""
        peak = (windows[:, :, self.start : self.start + self.width] @ self.toeplitz).amax(dim=1)
        out: Tensor = self.after(peak.reshape(-1, self.filters)[: self.frames])
        return out


def _blocks(blocks: nn.ModuleList) -> Iterable[ConvReluNorm]:
    return cast(Iterable[ConvReluNorm], blocks)


def _sign(block: ConvReluNorm) -> Tensor:
    """-1 where the norm turns the order of values around, else 1; shape [filters]."""
    return torch.where(block.norm.weight < 0, -1.0, 1.0)


def _signed_kernel(block: ConvReluNorm) -> Tensor:
    """The kernel [filters, 1, time, mel] with the sign of the norm's gain."""
    return block.conv.weight.detach() * _sign(block)[:, None, None, None]


def _shaped(kernel: Tensor) -> Tensor:
    """Round [48, 14, filters] to bf16, handing each tap's rounding error to the next tap in time.

    Neighbouring frames are alike, so errors that sum to nothing over the taps hardly reach the output.
    """
    out = torch.empty_like(kernel, dtype=torch.float32)
    error = torch.zeros_like(kernel[:, :2])  # of the real and of the imaginary part
    for tap in range(0, 2 * _TAPS, 2):
        wanted = kernel[:, tap : tap + 2] + error
        out[:, tap : tap + 2] = wanted.bfloat16().float()
        error = wanted - out[:, tap : tap + 2]
    return out
