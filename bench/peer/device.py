"""LoRA steps of one model with PEFT on a graphics card or the processor, weights in bfloat16 or in 4 bits (bitsandbytes):
device.py '{"folder": ..., "device": "cuda", "base": "nf4", ...}' prints one line of JSON. Attention by FlashAttention 2
where it is installed, else by torch's fused kernel."""
import importlib.util
import json
import sys
import time
import torch
import peft
import transformers
from model import LINEARS, adamw, peak_mib


def attention_of(device):
    has_flash = device == "cuda" and importlib.util.find_spec("flash_attn") is not None
    return "flash_attention_2" if has_flash else "sdpa"


def open_model(case):
    """On the processor weights that are not in 4 bits stay float32 under autocast, as bench:step has it: in bfloat16 a step
    of 135M, 4x256 took 50 s on a busy machine."""
    options = {}
    if case["base"] == "nf4":
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    model = transformers.AutoModelForCausalLM.from_pretrained(
        case["folder"],
        dtype=torch.float32 if case["device"] == "cpu" and case["base"] == "float" else torch.bfloat16,
        device_map={"": case["device"]},
        attn_implementation=attention_of(case["device"]),
        **options,
    )
    model = peft.get_peft_model(
        model,
        peft.LoraConfig(
            r=8, lora_alpha=16, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=LINEARS
        ),
    )
    if case["checkpointing"]:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.config.use_cache = False
    return model.train()


def batch_of(case, vocabulary):
    """Random tokens, the last quarter of every row labelled."""
    rows, positions, device = case["rows"], case["positions"], case["device"]
    ids = torch.randint(100, vocabulary, (rows, positions), generator=torch.Generator().manual_seed(0))
    labels = ids.clone()
    labels[:, : round(positions * 0.75)] = -100
    return {"input_ids": ids.to(device), "labels": labels.to(device)}


def main():
    case = json.loads(sys.argv[1])
    is_card = case["device"] == "cuda"
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    model = open_model(case)
    trained, optimizer = adamw(model, 2e-4)
    batch = batch_of(case, model.config.vocab_size)
    steps_ms = []
    end = time.perf_counter() + case["seconds"]
    while len(steps_ms) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        with torch.autocast(case["device"], torch.bfloat16):
            loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        # Waits for the card.
        loss.item()
        steps_ms.append((time.perf_counter() - start) * 1000)
    card = torch.cuda.max_memory_reserved() / 2**20 if is_card else None
    facts = {"stepMs": min(steps_ms[1:]), "peakMib": peak_mib(), "cardMib": card}
    print(json.dumps(facts | {"attention": attention_of(case["device"])}))


main()
