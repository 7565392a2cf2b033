"""BERT with one product for queries, keys and values, the fused attention of torch, and states in bf16.

The weights are those of the models that ``edgener_export`` trains, under shorter names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

RECOMPILED = 64
"""Times that a layer may be compiled: for each shape of model, with gradients and without."""
HIDDEN_POSITION = -30_000.0
"""The number that is added to the attention of padding."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a model."""

    vocabulary: int
    width: int
    attention_width: int
    heads: int
    feed_forward: int
    layers: int
    positions: int
    tags: int
    activation: str
    """``gelu`` or ``relu``."""
    epsilon: float
    token_width: int = 0
    """Width of the narrow rows of tokens; 0 where tokens are as wide as the model and there are no pairs."""
    pair_width: int = 0
    pair_rows: int = 0


class Normalization(nn.LayerNorm):
    """Layer normalization in the type of its input; statistics are taken in fp32 all the same."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return normalized states of the same shape and type."""
        with torch.autocast(states.device.type, enabled=False):
            weight, bias = self.weight.to(states.dtype), self.bias.to(states.dtype)
            return functional.layer_norm(states, self.normalized_shape, weight, bias, self.eps)


class Layer(nn.Module):
    """Attention and feed-forward block, each with a residual and a normalization after it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.attention_width
        self.query, self.key, self.value = (nn.Linear(width, inner) for _ in range(3))
        self.attention_output, self.attention_norm = nn.Linear(inner, width), Normalization(width, shape.epsilon)
        self.widen, self.narrow = nn.Linear(width, shape.feed_forward), nn.Linear(shape.feed_forward, width)
        self.output_norm = Normalization(width, shape.epsilon)
        self._heads = shape.heads
        self._activation: Callable[[torch.Tensor], torch.Tensor] = getattr(functional, shape.activation)

    def forward(self, states: torch.Tensor, bias: torch.Tensor, dropout: float) -> torch.Tensor:
        """Return states [rows, tokens, width]; ``bias`` [rows, 1, tokens, tokens] is added to the attention."""
        rows, tokens, _ = states.shape
        parts = self.query, self.key, self.value
        products = functional.linear(
            states, torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])
        )
        query, key, value = products.view(rows, tokens, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        attended = self.attention_output(attended.transpose(1, 2).reshape(rows, tokens, -1))
        states = self.attention_norm(states + functional.dropout(attended, dropout))
        changed = self.narrow(self._activation(self.widen(states)))
        normalized: torch.Tensor = self.output_norm(states + functional.dropout(changed, dropout))
        return normalized


class Encoder(nn.Module):
    """A token classifier."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.word = nn.Embedding(shape.vocabulary, shape.token_width or shape.width)
        if shape.pair_rows:
            self.pair = nn.Embedding(shape.pair_rows, shape.pair_width)
            self.projection = nn.Linear(shape.token_width + 2 * shape.pair_width, shape.width)
        self.position = nn.Embedding(shape.positions, shape.width)
        self.segment = nn.Parameter(torch.zeros(shape.width))
        self.norm = Normalization(shape.width, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.head = nn.Linear(shape.width, shape.tags)
        self._apply_layer: Callable[[Layer, torch.Tensor, torch.Tensor, float], torch.Tensor] = Layer.forward

    def compile_layers(self) -> None:
        """Compile what a layer does, once for all layers and lengths."""
        torch._dynamo.config.recompile_limit = RECOMPILED
        self._apply_layer = torch.compile(Layer.forward, dynamic=True)

    def states(self, ids: torch.Tensor, present: torch.Tensor, dropout: float = 0.0) -> torch.Tensor:
        """Return hidden states [rows, tokens, width] of ids [rows, tokens]; ``present`` is False for padding."""
        tokens = ids.shape[1]
        states = self._words(ids) + self.position.weight[:tokens] + self.segment
        bias = torch.zeros(present.shape, device=ids.device, dtype=torch.bfloat16)
        bias = bias.masked_fill(~present, HIDDEN_POSITION)[:, None, None, :].expand(-1, 1, tokens, tokens)
        hidden: torch.Tensor = self.norm(states).to(torch.bfloat16)
        for layer in cast("Iterable[Layer]", self.layers):
            hidden = self._apply_layer(layer, hidden, bias, dropout)
        return hidden

    def forward(self, ids: torch.Tensor, present: torch.Tensor, dropout: float = 0.0) -> torch.Tensor:
        """Return logits [rows, tokens, tags] in fp32."""
        with torch.autocast(ids.device.type, dtype=torch.bfloat16):
            logits: torch.Tensor = self.head(self.states(ids, present, dropout))
        return logits.float()

    def _words(self, ids: torch.Tensor) -> torch.Tensor:
        words: torch.Tensor = self.word(ids)
        if not self.shape.pair_rows:
            return words
        padded = functional.pad(ids, (1, 1))
        pairs = self.pair((padded[:, :-1] * self.shape.vocabulary + padded[:, 1:]) % self.shape.pair_rows)
        projected: torch.Tensor = self.projection(torch.cat([words, pairs[:, :-1], pairs[:, 1:]], dim=-1))
        return projected


def save_encoder(encoder: Encoder, path: Path) -> None:
    """Write the weights in fp32, with the shape in the file's metadata."""
    state = {name: value.detach().float().cpu().contiguous() for name, value in encoder.state_dict().items()}
    save_file(state, path, metadata={"shape": json.dumps(asdict(encoder.shape))})


def load_encoder(path: Path, device: torch.device) -> Encoder:
    """Return the model in a file that ``save_encoder`` wrote."""
    with safe_open(path, framework="pt") as file:
        encoder = Encoder(Shape(**json.loads(file.metadata()["shape"])))
        encoder.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    return encoder.to(device)
