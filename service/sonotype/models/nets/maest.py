"""MAEST (Alonso-Jiménez, Serra and Bogdanov, ISMIR 2023): an audio spectrogram transformer for music styles.

A ViT-B/16 on log-mel with overlapping patches, separate position encodings for time and frequency, and two tokens
beside the patches (CLS and DIST), as in PaSST. The best embedding lies in the middle of the stack. Names and shapes of
the parameters are those of the published checkpoints, so that these load as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from sonotype.core.types import Patchout
from sonotype.models.nets.patchout import SIDE, STRIDE, grid_size, kept

N_MELS = 96
ROWS = grid_size(N_MELS)
EXTRA_TOKENS = 2  # CLS and DIST
# of the training set's log-mel; the network divides by twice the deviation, as AST does
MEL_MEAN = 2.06755686098554
MEL_STD = 1.268292820667291
_EPSILON = 1e-6


class MAEST(nn.Module):
    """Log-mel to style tags and embeddings, for any number of frames up to that of its time encodings.

    Args:
        n_labels: number of tags.
        columns: length of the time encodings: 31, 62, 125 or 187 for the published 5, 10, 20 and 30 s.
        width: of a token.
        depth: number of blocks.
        heads: of the attention; must divide `width`.
        blocks: blocks whose tokens are given out as embeddings, counted from 1.
        head_dist: whether there is a second classifier on DIST; it is never used here, but some checkpoints hold it.

    Raises:
        ValueError: a block that does not exist, or heads that do not divide the width.
    """

    def __init__(
        self,
        n_labels: int = 400,
        *,
        columns: int = 187,
        width: int = 768,
        depth: int = 12,
        heads: int = 12,
        blocks: Sequence[int] = (7,),
        head_dist: bool = True,
    ) -> None:
        super().__init__()
        if not all(1 <= block <= depth for block in blocks):
            raise ValueError(f"blocks are counted from 1 to {depth}, not {list(blocks)}")
        self.tapped = tuple(blocks)
        self.patch_embed = PatchEmbed(width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, width))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, EXTRA_TOKENS, width))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, width, ROWS, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, width, 1, columns))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=_EPSILON)
        # this one norm was trained with the default epsilon of 1e-5
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_labels))
        self.head_dist = nn.Linear(width, n_labels) if head_dist else None
        self._initialise()

    def forward(self, mel: Tensor, patchout: Patchout | None = None) -> dict[str, Tensor]:
        """Run the network.

        Args:
            mel: log-mel, time-major and not normalised, shape [B, frames, 96], from 16 frames to what the time
                encodings cover.
            patchout: patches to leave out, the same of every row.

        Returns:
            `tags` [B, n_labels] in 0…1; for every tapped block n `block{n}-cls`, `block{n}-dist`, `block{n}-mean`
            (mean of the other tokens) of shape [B, width] and `block{n}`, the three side by side; `last` [B, width],
            the mean of CLS and DIST after the final norm.

        Raises:
            ValueError: fewer than 16 frames, more than the encodings cover, or not 96 bands.
        """
        return self.outputs(*self.transform(self.tokens(mel, patchout)))

    def tokens(self, mel: Tensor, patchout: Patchout | None = None) -> Tensor:
        """The input of the first block: CLS, DIST and the kept patches in frequency-major order, [B, tokens, width]."""
        rows, columns, most = grid_size(mel.shape[2]), grid_size(mel.shape[1]), self.time_new_pos_embed.shape[3]
        if rows != ROWS or not 1 <= columns <= most:
            least, longest = SIDE, SIDE + STRIDE * most - 1
            raise ValueError(f"expected {least} to {longest} frames of {N_MELS} bands, not {tuple(mel.shape[1:])}")
        stay = kept(rows, columns, patchout)
        row, column = (torch.from_numpy(indices).to(mel.device) for indices in (stay.rows, stay.columns))
        patches: Tensor = self.patch_embed((mel - MEL_MEAN) / (2 * MEL_STD), row, column)
        # an encoding belongs to a place in the whole grid, whatever else was left out
        places = self.time_new_pos_embed[:, :, :, column] + self.freq_new_pos_embed[:, :, row]
        sequence = patches + places.flatten(2).transpose(1, 2)
        extra = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        return torch.cat([extra.expand(len(mel), -1, -1), sequence], dim=1)

    def transform(self, x: Tensor) -> tuple[Tensor, ...]:
        """The blocks.

        Args:
            x: from `tokens`, [B, tokens, width].

        Returns:
            CLS and DIST after the last block [B, 2, width], then CLS, DIST and the mean of the other tokens
            [B, 3, width] for each tapped block.
        """
        tapped = {}
        for number, block in enumerate(cast(Iterable[Block], self.blocks), start=1):
            # after the last block nobody looks at the patches, unless it is tapped
            last = number == len(self.blocks) and number not in self.tapped
            x = block(x, EXTRA_TOKENS if last else None)
            if number in self.tapped:
                tapped[number] = torch.cat([x[:, :EXTRA_TOKENS], x[:, EXTRA_TOKENS:].mean(1, keepdim=True)], dim=1)
        return x[:, :EXTRA_TOKENS], *(tapped[number] for number in self.tapped)

    def outputs(self, extra: Tensor, *tapped: Tensor) -> dict[str, Tensor]:
        """From the results of `transform` to those of `forward`."""
        last = self.norm(extra).mean(1)
        out = {"tags": self.head(last).sigmoid(), "last": last}
        for number, tokens in zip(self.tapped, tapped, strict=True):
            out[f"block{number}"] = tokens.flatten(1)
            out |= {f"block{number}-{name}": tokens[:, at] for at, name in enumerate(("cls", "dist", "mean"))}
        return out

    def _initialise(self) -> None:
        """Small normal weights, as vision transformers are trained from."""
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)


class PatchEmbed(nn.Module):
    """A convolution of 16 by 16 at steps of 10, at the places that stay and nowhere else.

    Args:
        width: of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, width, SIDE, STRIDE)

    def forward(self, mel: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Map [B, frames, bands] to [B, rows * columns, width], frequency-major."""
        patches = mel.unfold(2, SIDE, STRIDE)[:, :, rows].unfold(1, SIDE, STRIDE)[:, columns]  # [B, T, F, 16, 16]
        return linear(patches.transpose(1, 2).flatten(3).flatten(1, 2), self.proj.weight.flatten(1), self.proj.bias)


class Block(nn.Module):
    """One pre-norm block: attention, then two dense layers with the exact GELU.

    Args:
        width: of a token.
        heads: of the attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_EPSILON)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=_EPSILON)
        self.mlp = MLP(width)

    def forward(self, x: Tensor, first: int | None = None) -> Tensor:
        """Map [B, tokens, width] to the same shape, or to the first so many tokens of it."""
        y = x[:, :first] + self.attn(self.norm1(x), first)
        out: Tensor = y + self.mlp(self.norm2(y))
        return out


class Attention(nn.Module):
    """Attention of every token to all tokens.

    Args:
        width: of a token.
        heads: among which the width is divided.

    Raises:
        ValueError: the width cannot be divided.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, first: int | None = None) -> Tensor:
        """Map [B, tokens, width] to [B, tokens, width]; with `first` only the first so many tokens ask."""
        width = x.shape[2]
        query = linear(x[:, :first], self.qkv.weight[:width], self.qkv.bias[:width])
        key, value = linear(x, self.qkv.weight[width:], self.qkv.bias[width:]).chunk(2, dim=2)
        mixed = scaled_dot_product_attention(self._split(query), self._split(key), self._split(value))
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        """Map [B, tokens, width] to [B, heads, tokens, width of a head]."""
        return x.reshape(x.shape[0], -1, self.heads, x.shape[2] // self.heads).transpose(1, 2)


class MLP(nn.Module):
    """Two dense layers, four times as wide between them.

    Args:
        width: of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """Map each token."""
        out: Tensor = self.fc2(self.act(self.fc1(x)))
        return out
