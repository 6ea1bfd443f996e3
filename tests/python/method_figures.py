"""Figures of tests/golden/methods.json: small models under rsLoRA, DoRA and with a new head in PEFT, float64, weights by a formula.

usage: python tests/python/method_figures.py > tests/golden/methods.json
The formula and the batch are repeated in tests/engine/methods/method-figures.test.ts.
"""
import json
import math
import sys

import torch
import transformers
from peft import LoraConfig, get_peft_model

transformers.logging.set_verbosity_error()

LLAMA = dict(vocab_size=29, hidden_size=24, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, attention_bias=True, mlp_bias=True,
             tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0))
GPT2 = dict(vocab_size=29, n_embd=24, n_layer=2, n_head=4, n_positions=32, n_inner=20)
BERT = dict(vocab_size=29, hidden_size=24, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=32, pad_token_id=0, num_labels=3)
T5 = dict(vocab_size=29, d_model=24, d_kv=8, d_ff=20, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
          relative_attention_max_distance=9, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
          feed_forward_proj="gated-gelu", tie_word_embeddings=True)
# The linears of its blocks; "all-linear" would adapt the pooler, which is part of a new head.
BLOCKS = dict(target_modules=["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"],
              modules_to_save=["pooler"])
ADAPTER = dict(r=3, lora_alpha=5, lora_dropout=0.0, target_modules="all-linear")

# name: (model_type, class, fields of config.json, task of PEFT, settings of the adapter, label smoothing)
CASES = {
    "llama, rsLoRA": ("llama", "LlamaForCausalLM", LLAMA, "CAUSAL_LM", dict(use_rslora=True), 0.0),
    "llama, DoRA": ("llama", "LlamaForCausalLM", LLAMA, "CAUSAL_LM", dict(use_dora=True), 0.0),
    "llama, DoRA and rsLoRA, smoothed": (
        "llama", "LlamaForCausalLM", LLAMA, "CAUSAL_LM", dict(use_dora=True, use_rslora=True), 0.1),
    "llama, LoRA and a new head": (
        "llama", "LlamaForSequenceClassification", LLAMA | dict(num_labels=3), "SEQ_CLS", {}, 0.0),
    "llama, DoRA and a new head": (
        "llama", "LlamaForSequenceClassification", LLAMA | dict(num_labels=3), "SEQ_CLS", dict(use_dora=True), 0.2),
    "bert, LoRA and a new head": ("bert", "BertForSequenceClassification", BERT, "SEQ_CLS", BLOCKS, 0.0),
    "bert, DoRA and a new head": (
        "bert", "BertForSequenceClassification", BERT, "SEQ_CLS", dict(use_dora=True, **BLOCKS), 0.1),
    "t5, DoRA": ("t5", "T5ForConditionalGeneration", T5, "SEQ_2_SEQ_LM", dict(use_dora=True), 0.0),
    "gpt2, DoRA": ("gpt2", "GPT2LMHeadModel", GPT2, "CAUSAL_LM", dict(use_dora=True), 0.0),
}


def cell(index, seed):
    """A number in [-0.5, 0.5) that any language computes alike."""
    return ((index * 7919 + seed * 10007 + (index * index % 997) * 31) % 2003) / 2003 - 0.5


def fill(parameters):
    for name, parameter in parameters:
        seed = sum(ord(letter) * (at + 1) for at, letter in enumerate(name)) % 1009
        values = torch.tensor([cell(i, seed) for i in range(parameter.numel())], dtype=torch.float64)
        # Norms and DoRA's magnitudes lie around 1.
        is_size = parameter.dim() == 1 and not name.endswith("bias")
        values = 1 + values / 2 if is_size else values * 3 / math.sqrt(parameter.shape[-1])
        parameter.data = values.reshape(parameter.shape)


def clean(name):
    """Our name of a parameter of PEFT's model."""
    name = name.replace("base_model.model.", "").replace("base_layer.", "").replace("modules_to_save.", "")
    return name.replace(".default", "").replace("magnitude_vector.weight", "magnitude_vector")


def figures(kind, class_name, fields, task, settings, smoothing):
    config = transformers.AutoConfig.for_model(kind, **fields)
    config._attn_implementation = "eager"
    model = getattr(transformers, class_name)(config).double().eval()
    adapted = get_peft_model(model, LoraConfig(task_type=task, **(ADAPTER | settings))).eval()
    named = [(clean(n), p) for n, p in adapted.named_parameters() if "original_module" not in n]
    fill(named)
    ids = torch.tensor([[1 + (b * 11 + s * s * 5 + s) % 28 for s in range(12)] for b in range(2)])
    if task == "SEQ_2_SEQ_LM":
        targets = ids[:, 5:9]
        written = torch.cat([torch.zeros(2, 1, dtype=torch.long), targets[:, :-1]], 1)
        logits = adapted(input_ids=ids, decoder_input_ids=written).logits.flatten(0, 1)
        targets = targets.reshape(-1)
    else:
        logits = adapted(input_ids=ids).logits
    if task == "SEQ_CLS":
        targets = torch.tensor([2, 0])
    elif task == "CAUSAL_LM":
        logits, targets = logits[:, 3:-1].reshape(-1, logits.shape[-1]), ids[:, 4:].reshape(-1)
    loss = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing)
    loss.backward()
    shorten = lambda number: float("%.12g" % number)
    norms = {name: shorten(float(p.grad.norm())) for name, p in named if p.requires_grad}
    return dict(config=dict(model_type=kind, **fields), isClassifier=task == "SEQ_CLS", rank=ADAPTER["r"],
                alpha=ADAPTER["lora_alpha"], isRankStabilised=settings.get("use_rslora", False),
                isDecomposed=settings.get("use_dora", False), smoothing=smoothing, loss=shorten(float(loss.detach())),
                gradientNorms=norms)


cases = {name: figures(*case) for name, case in CASES.items()}
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items())
sys.stdout.write("{\n" + lines + "\n}\n")
