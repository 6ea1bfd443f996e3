"""Loads an exported T5 with Hugging Face transformers or PEFT and compares with what Tunewright computed; then runs the
program of its README.

usage: t5_check.py FOLDER OURS_FILE
FOLDER has a whole model, or an adapter. OURS_FILE is JSON: base, instruction, message, answer, source and target ids.
Prints one line of JSON: source, target, base_nats and tuned_nats of the answer, program."""
import contextlib
import io
import json
import os
import re
import sys

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

folder, ours_file = sys.argv[1:3]
torch.set_num_threads(1)
ours = json.load(open(ours_file))
is_adapter = os.path.exists(os.path.join(folder, "adapter_config.json"))
tokenizer = AutoTokenizer.from_pretrained(ours["base"])
inputs = tokenizer(ours["instruction"] + " " + ours["message"], return_tensors="pt")
labels = tokenizer(text_target=ours["answer"], return_tensors="pt")["input_ids"]


def nats(model):
    model.eval()
    with torch.no_grad():
        return float(model(**inputs, labels=labels).loss) * labels.shape[1]


base = AutoModelForSeq2SeqLM.from_pretrained(ours["base"], dtype=torch.float32)
base_nats = nats(base)
if is_adapter:
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(base, folder)
else:
    tuned = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32)
tuned_nats = nats(tuned)

readme = open(os.path.join(folder, "README.md")).read()
program = re.search(r"```python\n(.*?)\n```", readme, re.S).group(1)
program = re.sub(r"(?m)^MESSAGE = .*$", lambda _: "MESSAGE = " + json.dumps(ours["message"]), program)
os.chdir(os.path.dirname(folder))
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    exec(compile(program, "README", "exec"), {})
print(
    json.dumps(
        {
            "source": inputs["input_ids"][0].tolist(),
            "target": labels[0].tolist(),
            "base_nats": base_nats,
            "tuned_nats": tuned_nats,
            "program": printed.getvalue(),
        }
    )
)
