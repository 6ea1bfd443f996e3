"""A model with LoRA as Hugging Face PEFT makes it, and one training step of it: what both scripts beside this measure."""
import resource
import torch
import peft
import transformers

LINEARS = "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj".split()


def open_model(case):
    """Attention by torch's fused kernel; r=8 on all linear layers without dropout. case["precision"]: "float32",
    "autocast" (float32 weights, computed in bfloat16 where torch does so), "bfloat16" (frozen weights in bfloat16,
    adapters in float32, under autocast)."""
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        case["folder"],
        dtype=torch.bfloat16 if case.get("precision") == "bfloat16" else torch.float32,
        attn_implementation="sdpa",
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
    model.train()
    return model


def adamw(model, learning_rate):
    trained = [p for p in model.parameters() if p.requires_grad]
    return trained, torch.optim.AdamW(trained, lr=learning_rate, weight_decay=0.01)


def step(model, trained, optimizer, batch, precision="float32"):
    """Mean cross-entropy over the labelled tokens, clipped at 1, AdamW. Returns the loss."""
    with torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"):
        loss = model(**batch, use_cache=False).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def versions():
    return {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
