"""Figures of tests/golden/tiny-families.json: small models of every family in transformers and PEFT, float64, weights by a formula.

usage: python tests/python/tiny_family_figures.py > tests/golden/tiny-families.json
The formula and the batch are repeated in tests/engine/models/family-figures.test.ts.
"""
import json
import math
import sys

import torch
import transformers
from peft import LoraConfig, get_peft_model

transformers.logging.set_verbosity_error()

BASE = dict(vocab_size=29, hidden_size=24, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
DEEP = BASE | dict(intermediate_size=40, num_hidden_layers=3, rms_norm_eps=1e-5)
ENCODER = dict(vocab_size=29, hidden_size=24, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
               max_position_embeddings=32, pad_token_id=0)
T5 = dict(vocab_size=29, d_model=24, d_kv=8, d_ff=20, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
          relative_attention_max_distance=9, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
ROPE = dict(rope_type="default", rope_theta=10000.0)
TOP = dict(r=3, lora_alpha=5, target_modules=["q_proj", "o_proj", "up_proj"], layers_to_transform=[1, 2])
ALL = dict(r=3, lora_alpha=5, target_modules="all-linear")
FACTORS = dict(short_factor=[1.0, 1.1, 1.3], long_factor=[1.2, 2.0, 5.0])

# name: (model_type, class, fields of config.json, adapter)
CASES = {
    "llama, biased, llama3 rope": ("llama", "LlamaForCausalLM", DEEP | dict(
        head_dim=8, attention_bias=True, mlp_bias=True, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=16)), TOP),
    "llama, tied, linear rope": ("llama", "LlamaForCausalLM", DEEP | dict(
        num_key_value_heads=1, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=2.0)), TOP),
    "llama, yarn": ("llama", "LlamaForCausalLM", BASE | dict(head_dim=16, rope_parameters=dict(
        rope_type="yarn", rope_theta=100.0, factor=4.0, beta_fast=4.0, beta_slow=1.0,
        original_max_position_embeddings=32)), None),
    "llama, yarn, not truncated": ("llama", "LlamaForCausalLM", BASE | dict(head_dim=16, rope_parameters=dict(
        rope_type="yarn", rope_theta=100.0, factor=4.0, mscale=1.0, mscale_all_dim=0.5, truncate=False, beta_fast=6,
        original_max_position_embeddings=32)), None),
    "llama, classes of texts": ("llama", "LlamaForSequenceClassification", BASE | dict(
        num_labels=3, rope_parameters=ROPE), None),
    "smollm3, every second block unturned": ("smollm3", "SmolLM3ForCausalLM", BASE | dict(
        no_rope_layer_interval=2, use_sliding_window=True, sliding_window=4, rope_parameters=ROPE), None),
    "mistral": ("mistral", "MistralForCausalLM", BASE | dict(sliding_window=5, head_dim=8, rope_parameters=ROPE), None),
    "qwen2, window in the upper block": ("qwen2", "Qwen2ForCausalLM", BASE | dict(
        use_sliding_window=True, max_window_layers=1, sliding_window=4, rope_parameters=ROPE), None),
    "qwen3, biased, classes of tokens": ("qwen3", "Qwen3ForTokenClassification", BASE | dict(
        num_labels=4, head_dim=8, attention_bias=True, rope_parameters=ROPE), None),
    "gemma2": ("gemma2", "Gemma2ForCausalLM", BASE | dict(
        head_dim=8, sliding_window=4, query_pre_attn_scalar=12, attn_logit_softcapping=2.0, final_logit_softcapping=3.0,
        rope_parameters=ROPE), None),
    "gemma3_text, settings of transformers 4": ("gemma3_text", "Gemma3ForCausalLM", BASE | dict(
        head_dim=8, sliding_window=4, sliding_window_pattern=2, query_pre_attn_scalar=12, rope_theta=50000.0,
        rope_local_base_freq=100.0, rope_scaling=dict(rope_type="linear", factor=4.0)), None),
    "phi3, part of the head": ("phi3", "Phi3ForCausalLM", BASE | dict(
        sliding_window=6, head_dim=8, rope_parameters=dict(partial_rotary_factor=0.75, **ROPE)), ALL),
    "phi3, longrope, short": ("phi3", "Phi3ForCausalLM", BASE | dict(
        original_max_position_embeddings=16, rope_scaling=dict(type="longrope", **FACTORS)), None),
    "phi3, longrope, long": ("phi3", "Phi3ForCausalLM", BASE | dict(
        original_max_position_embeddings=8, rope_scaling=dict(type="longrope", **FACTORS)), None),
    "olmo2": ("olmo2", "Olmo2ForCausalLM", BASE | dict(rope_parameters=ROPE), None),
    "granite": ("granite", "GraniteForCausalLM", BASE | dict(
        embedding_multiplier=5.0, residual_multiplier=0.3, attention_multiplier=0.2, logits_scaling=3.0,
        rope_parameters=ROPE), None),
    "gpt2, scores by block": ("gpt2", "GPT2LMHeadModel", dict(
        vocab_size=29, n_embd=24, n_layer=2, n_head=4, n_positions=32, n_inner=20,
        scale_attn_by_inverse_layer_idx=True), ALL),
    "gpt2, classes of texts": ("gpt2", "GPT2ForSequenceClassification", dict(
        vocab_size=29, n_embd=24, n_layer=2, n_head=4, n_positions=32, pad_token_id=0, num_labels=3,
        activation_function="gelu"), None),
    "gpt_neox, one after the other": ("gpt_neox", "GPTNeoXForCausalLM", {
        k: v for k, v in BASE.items() if k != "num_key_value_heads"} | dict(
        use_parallel_residual=False, rotary_pct=0.7, rotary_emb_base=500.0), None),
    "gpt_neox, side by side": ("gpt_neox", "GPTNeoXForCausalLM", {
        k: v for k, v in BASE.items() if k not in ("num_key_value_heads", "hidden_size")} | dict(
        hidden_size=32, rope_parameters=dict(partial_rotary_factor=0.25, **ROPE)), None),
    "bert, classes of texts": ("bert", "BertForSequenceClassification", ENCODER | dict(num_labels=3), None),
    "distilbert, classes of tokens": ("distilbert", "DistilBertForTokenClassification", dict(
        vocab_size=29, dim=24, hidden_dim=20, n_layers=2, n_heads=4, max_position_embeddings=32, pad_token_id=0,
        num_labels=4, activation="relu"), None),
    "distilbert, classes of texts": ("distilbert", "DistilBertForSequenceClassification", dict(
        vocab_size=29, dim=24, hidden_dim=20, n_layers=1, n_heads=4, max_position_embeddings=32, pad_token_id=0,
        num_labels=3), None),
    "roberta, classes of texts": ("roberta", "RobertaForSequenceClassification", ENCODER | dict(
        pad_token_id=1, type_vocab_size=1, num_labels=3), None),
    "xlm-roberta, classes of tokens": ("xlm-roberta", "XLMRobertaForTokenClassification", ENCODER | dict(
        pad_token_id=1, type_vocab_size=1, num_labels=4), None),
    "t5": ("t5", "T5ForConditionalGeneration", T5 | dict(feed_forward_proj="relu"), ALL),
    "t5, gated, untied": ("t5", "T5ForConditionalGeneration", T5 | dict(
        feed_forward_proj="gated-gelu", num_decoder_layers=1, tie_word_embeddings=False), None),
}


def cell(index, seed):
    """A number in [-0.5, 0.5) that any language computes alike."""
    return ((index * 7919 + seed * 10007 + (index * index % 997) * 31) % 2003) / 2003 - 0.5


def fill(parameters, offset):
    for name, parameter in parameters:
        seed = sum(ord(letter) * (at + 1) for at, letter in enumerate(name)) % 1009
        values = torch.tensor([cell(i, seed) for i in range(parameter.numel())], dtype=torch.float64)
        is_norm = parameter.dim() == 1 and not name.endswith("bias")
        values = offset + values / 2 if is_norm else values * 3 / math.sqrt(parameter.shape[-1])
        parameter.data = values.reshape(parameter.shape)


def batch(kind, class_name):
    """Two texts of 12 tokens, the second one without its last three."""
    ids = torch.tensor([[2 + (b * 11 + s * s * 5 + s) % 27 for s in range(12)] for b in range(2)])
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    ids[1, 9:] = 1 if "roberta" in kind else 0
    inputs = dict(input_ids=ids, attention_mask=mask)
    if class_name.endswith("SequenceClassification"):
        labels = torch.tensor([2, 0])
    elif class_name.endswith("TokenClassification"):
        labels = torch.where(mask == 1, ids % 4, -100)
    elif kind == "t5":
        labels = torch.tensor([[2 + (b * 7 + t * 5) % 27 if b * t < 4 else -100 for t in range(6)] for b in range(2)])
    else:
        labels = torch.where(mask == 1, ids, -100)
        labels[:, :3] = -100
    if kind == "bert":
        inputs["token_type_ids"] = (torch.arange(12) > 6).long().expand(2, 12)
    return inputs | dict(labels=labels)


shorten = lambda number: float("%.9g" % number)


def figures(kind, class_name, fields, adapter):
    config = transformers.AutoConfig.for_model(kind, **{**fields})
    config._attn_implementation = "eager"
    model = getattr(transformers, class_name)(config).double().eval()
    if fields.get("tie_word_embeddings") is False and kind == "t5":
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.data.clone())
    file_name = lambda name: name.replace("lm_head", "embed_out") if kind == "gpt_neox" else name
    named = sorted((file_name(name), parameter) for name, parameter in model.named_parameters())
    fill(named, 0 if "gemma" in kind else 1)
    # Filled in place: tied tables stay one parameter.
    inputs = batch(kind, class_name)
    result = model(**inputs)
    result.loss.backward()
    last = result.logits[1] if result.logits.dim() == 2 else result.logits[1, 3]
    norms = lambda parameters: {n: shorten(float(p.grad.norm())) for n, p in parameters if p.grad is not None}
    full = dict(loss=shorten(float(result.loss)), logits=[shorten(float(x)) for x in last], gradientNorms=norms(named))
    case = {"class": class_name, "config": dict(model_type=kind, **fields), "full": full}
    if adapter:
        model.zero_grad()
        task = "SEQ_2_SEQ_LM" if kind == "t5" else "CAUSAL_LM"
        adapted = get_peft_model(model, LoraConfig(task_type=task, lora_dropout=0.0, **adapter)).eval()
        clean = lambda name: name.replace("base_model.model.", "").replace(".default", "")
        trained = sorted((clean(n), p) for n, p in adapted.named_parameters() if p.requires_grad)
        fill(trained, 0)
        result = adapted(**inputs)
        result.loss.backward()
        case["lora"] = dict(rank=adapter["r"], alpha=adapter["lora_alpha"], loss=shorten(float(result.loss)),
                            targets=None if adapter is ALL else adapter["target_modules"],
                            topLayers=len(adapter["layers_to_transform"]) if "layers_to_transform" in adapter else None,
                            gradientNorms=norms(trained))
    return case


cases = {name: figures(*case) for name, case in CASES.items()}
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items())
sys.stdout.write("{\n" + lines + "\n}\n")
