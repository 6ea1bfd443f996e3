"""Figures of tests/golden/optimizers.json: ten steps of each optimizer from gradients by a formula.

usage: python tests/python/optimizer_figures.py > tests/golden/optimizers.json
Made with torch 2.15.0, transformers 5.24.0 and bitsandbytes 0.50.2 (its implementation for the CPU), float32. Two things
of bitsandbytes are changed: its CPU quantiser looks codes up in a table of coarse steps, so its PyTorch reference, which
finds the nearest value as the CUDA kernel does, stands in; and a second moment above 0 never gets the code of 0.
The formulas are repeated in tests/engine/optim/optimizer-figures.test.ts.
"""
import json
import sys

import bitsandbytes
import bitsandbytes.backends.cpu.ops as cpu
import torch
from bitsandbytes.backends.triton.kernels_optim import _quantize_blockwise_pytorch
from bitsandbytes.functional import create_dynamic_map
from transformers.optimization import Adafactor

SHAPES = [[7, 5], [13], [3, 300], [9, 500], [2, 3, 4]]
STEPS = 10
DECAY = 0.1
# Large tensors are sampled at every so many entries.
STRIDE = 37
MAGNITUDES = [1.0, 0.1, 0.01, 0.001]


def quantise(values, code, absmax_out, codes_out, block):
    codes, absmax = _quantize_blockwise_pytorch(values, code, block)
    if code[0] == 0:
        codes[(codes == 0) & (values > 0)] = 1
    codes_out.copy_(codes)
    absmax_out.copy_(absmax)


cpu._quant_blockwise_fp32_direct = quantise


def cell(index, tensor):
    """A number in [-0.5, 0.5) that any language computes alike."""
    return ((index * 7919 + tensor * 10007 + (index * index % 997) * 31) % 2003) / 2003 - 0.5


def count(shape):
    return torch.Size(shape).numel()


def parameters():
    return [
        torch.nn.Parameter(torch.tensor([cell(i, t) for i in range(count(shape))], dtype=torch.float32).reshape(shape))
        for t, shape in enumerate(SHAPES)
    ]


def gradient(step, tensor, shape):
    values = [cell(i, 100 * step + tensor) * MAGNITUDES[(i + step) % 4] for i in range(count(shape))]
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=DECAY),
    "adamw-8bit": lambda p: bitsandbytes.optim.AdamW8bit(p, lr=0.01, weight_decay=DECAY),
    "adafactor": lambda p: Adafactor(p, lr=0.01, weight_decay=DECAY, scale_parameter=False, relative_step=False),
    "lion": lambda p: bitsandbytes.optim.Lion32bit(p, lr=0.01, betas=(0.9, 0.99), weight_decay=DECAY),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=DECAY),
}


def numbers(flat):
    return [float("%.9g" % value) for value in flat.tolist()]


def sample(tensor):
    flat = tensor.detach().reshape(-1)
    return numbers(flat if flat.numel() < 100 else flat[::STRIDE])


def run(make):
    trained = parameters()
    optimizer = make(trained)
    for step in range(STEPS):
        for t, parameter in enumerate(trained):
            parameter.grad = gradient(step, t, SHAPES[t])
        optimizer.step()
    states = [optimizer.state[parameter] for parameter in trained]
    kept = [{k: sample(v) for k, v in s.items() if torch.is_tensor(v) and v.numel() > 1 and "qmap" not in k} for s in states]
    return {"parameters": [sample(parameter) for parameter in trained], "kept": kept}


figures = {
    "signedMap": numbers(create_dynamic_map(signed=True)),
    "unsignedMap": numbers(create_dynamic_map(signed=False)),
} | {name: run(make) for name, make in OPTIMIZERS.items()}
json.dump(figures, sys.stdout, separators=(",", ":"))
print()
