#!/usr/bin/env python3
"""A straightforward float64 Qwen3 forward pass in numpy, to compare `qw logits` with.

  reference.py MODEL IDS LOGITS [--last N]
      compare the last N positions (default: all) with LOGITS, a file written by qw logits

Prints the largest error relative to the largest logit; exits with 1 above 1e-5. Plain RoPE; one
file or shards; tied or not.
"""
import argparse
import json
import os
import sys

import numpy as np


def load(path):
    """Tensors by name, as stored (BF16 as uint16), without a copy."""
    index = os.path.join(path, 'model.safetensors.index.json')
    if os.path.exists(index):
        with open(index) as f:
            names = sorted(set(json.load(f)['weight_map'].values()))
    else:
        names = ['model.safetensors']
    tensors = {}
    for name in names:
        raw = np.memmap(os.path.join(path, name), np.uint8, 'r')
        n = int.from_bytes(raw[:8].tobytes(), 'little')
        for key, t in json.loads(raw[8:8 + n].tobytes()).items():
            if key != '__metadata__':
                begin, end = (8 + n + o for o in t['data_offsets'])
                kind = {'BF16': np.uint16, 'F16': np.float16, 'F32': np.float32}[t['dtype']]
                tensors[key.removeprefix('model.')] = raw[begin:end].view(kind).reshape(t['shape'])
    return tensors


def f64(x):
    if x.dtype == np.uint16:
        return (x.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return x.astype(np.float64)


def linear(x, w, block=8192):
    """x [n, in] times w [out, in] transposed, a block of rows at a time."""
    return np.concatenate([x @ f64(w[i:i + block]).T for i in range(0, len(w), block)], axis=1)


def rmsnorm(x, w, eps):
    return f64(w) * x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)


def forward(path, ids):
    """Logits [n, vocabulary] of the tokens ids."""
    with open(os.path.join(path, 'config.json')) as f:
        c = json.load(f)
    w = load(path)
    heads, kv_heads = c['num_attention_heads'], c['num_key_value_heads']
    dim, eps = c['head_dim'], c['rms_norm_eps']
    theta = c.get('rope_theta') or c['rope_parameters']['rope_theta']
    n = len(ids)
    angle = np.arange(n)[:, None] * theta ** (-np.arange(0, dim, 2) / dim)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]

    def rope(v):
        a, b = v[..., :dim // 2], v[..., dim // 2:]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

    x = f64(w['embed_tokens.weight'][ids])
    mask = np.triu(np.full((n, n), -np.inf), 1)
    for i in range(c['num_hidden_layers']):
        p = f'layers.{i}.'
        a = rmsnorm(x, w[p + 'input_layernorm.weight'], eps)
        q, k, v = (linear(a, w[p + f'self_attn.{s}_proj.weight']).reshape(n, -1, dim)
                   for s in 'qkv')
        q = rope(rmsnorm(q, w[p + 'self_attn.q_norm.weight'], eps))
        k = rope(rmsnorm(k, w[p + 'self_attn.k_norm.weight'], eps))
        out = np.empty((n, heads, dim))
        for h in range(heads):
            g = h // (heads // kv_heads)
            s = q[:, h] @ k[:, g].T / np.sqrt(dim) + mask
            s = np.exp(s - s.max(-1, keepdims=True))
            out[:, h] = s / s.sum(-1, keepdims=True) @ v[:, g]
        x = x + linear(out.reshape(n, -1), w[p + 'self_attn.o_proj.weight'])
        a = rmsnorm(x, w[p + 'post_attention_layernorm.weight'], eps)
        gate, up = (linear(a, w[p + f'mlp.{s}_proj.weight']) for s in ('gate', 'up'))
        with np.errstate(over='ignore'):
            x = x + linear(gate / (1 + np.exp(-gate)) * up, w[p + 'mlp.down_proj.weight'])
    head = w['embed_tokens.weight'] if c['tie_word_embeddings'] else w['lm_head.weight']
    return linear(rmsnorm(x, w['norm.weight'], eps), head)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('model')
    ap.add_argument('ids')
    ap.add_argument('logits')
    ap.add_argument('--last', type=int)
    a = ap.parse_args()
    ids = [int(i) for i in a.ids.split(',')]
    want = forward(a.model, ids)
    got = np.fromfile(a.logits, '<f4').reshape(want.shape).astype(np.float64)
    if a.last:
        want, got = want[-a.last:], got[-a.last:]
    error = (np.abs(got - want).max(-1) / np.abs(want).max(-1)).max()
    print(f'largest error, relative to the largest logit of its position: {error:.2e} '
          f'({len(want)} positions)')
    sys.exit(not error <= 1e-5)


if __name__ == '__main__':
    main()
