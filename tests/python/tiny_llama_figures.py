"""Figures of tests/golden/tiny-llama.json: small Llamas in transformers and PEFT, float64, weights by a formula.

usage: python tests/python/tiny_llama_figures.py > tests/golden/tiny-llama.json
The formula and the batch are repeated in tests/engine/models/tiny-llama-figures.test.ts.
"""
import json
import math
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

BASE = dict(
    model_type="llama", hidden_act="silu", vocab_size=29, hidden_size=24, intermediate_size=40,
    num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=64, rms_norm_eps=1e-5,
)
CASES = {
    "biased, llama3 rope": BASE | dict(
        num_key_value_heads=2, head_dim=8, attention_bias=True, mlp_bias=True, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=16)),
    "tied, linear rope": BASE | dict(
        num_key_value_heads=1, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=2.0)),
    "tied, plain rope": BASE | dict(
        num_key_value_heads=4, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
}
ADAPTER = dict(r=3, lora_alpha=5, target_modules=["q_proj", "o_proj", "up_proj"], layers_to_transform=[1, 2])


def cell(index, tensor):
    """A number in [-0.5, 0.5) that any language computes alike."""
    return ((index * 7919 + tensor * 10007 + (index * index % 997) * 31) % 2003) / 2003 - 0.5


def fill(parameters):
    for tensor, (name, parameter) in enumerate(parameters):
        count = parameter.numel()
        values = torch.tensor([cell(i, tensor) for i in range(count)], dtype=torch.float64)
        spread = 3 / math.sqrt(parameter.shape[-1])
        values = 1 + values / 2 if "norm" in name else values * spread
        parameter.data = values.reshape(parameter.shape)


def batch():
    ids = [[(b * 11 + s * s * 5 + s) % 29 for s in range(12)] for b in range(2)]
    labels = [[-100 if s < 3 + b else token for s, token in enumerate(row)] for b, row in enumerate(ids)]
    return dict(input_ids=torch.tensor(ids), labels=torch.tensor(labels))


def shorten(number):
    return float("%.12g" % number)


def norms(named):
    return {name: shorten(float(p.grad.norm())) for name, p in named if p.grad is not None}


def figures(fields):
    config = LlamaConfig(**fields)
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config).double().eval()
    fill(sorted(model.named_parameters()))
    model.tie_weights()
    result = model(**batch())
    result.loss.backward()
    full = dict(loss=shorten(float(result.loss)), gradientNorms=norms(model.named_parameters()),
                lastLogits=[shorten(float(x)) for x in result.logits[1, -1]])
    model.zero_grad()
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **ADAPTER)).eval()
    clean = lambda name: name.replace("base_model.model.", "").replace(".default", "")
    trained = sorted((clean(n), p) for n, p in adapted.named_parameters() if p.requires_grad)
    fill(trained)
    result = adapted(**batch())
    result.loss.backward()
    return dict(config=fields, full=full, lora=dict(loss=shorten(float(result.loss)), gradientNorms=norms(trained)))


json.dump({name: figures(fields) for name, fields in CASES.items()}, sys.stdout, indent=1)
print()
