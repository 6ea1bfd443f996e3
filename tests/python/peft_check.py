"""Loads a base model and an exported adapter with Hugging Face PEFT and compares with what Tunewright computed.

usage: peft_check.py BASE_FOLDER ADAPTER_FOLDER LOGITS_FILE
LOGITS_FILE is safetensors: ids int32 [S], base and tuned float32 [S, V].
Prints one line of JSON: tensors, unequal, base_difference, tuned_difference, tuned_minus_base."""
import json
import sys

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

base_folder, adapter_folder, logits_file = sys.argv[1:4]
torch.set_num_threads(1)
ours = load_file(logits_file)
ids = ours["ids"].long()[None]

base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32, local_files_only=True).eval()
with torch.no_grad():
    base_logits = base(ids).logits[0]
tuned = PeftModel.from_pretrained(base, adapter_folder, local_files_only=True).eval()
with torch.no_grad():
    tuned_logits = tuned(ids).logits[0]

# PEFT puts the adapter's name into the keys: ...lora_A.default.weight
loaded = {name.replace(".default.weight", ".weight"): value for name, value in tuned.state_dict().items() if "lora_" in name}
file = load_file(adapter_folder + "/adapter_model.safetensors")
unequal = sorted(set(loaded) ^ set(file)) + [
    name for name in sorted(set(loaded) & set(file)) if not torch.equal(loaded[name], file[name])
]
print(
    json.dumps(
        {
            "tensors": len(file),
            "unequal": unequal,
            "base_difference": float((base_logits - ours["base"]).abs().max()),
            "tuned_difference": float((tuned_logits - ours["tuned"]).abs().max()),
            "tuned_minus_base": float((tuned_logits - base_logits).abs().max()),
        }
    )
)
