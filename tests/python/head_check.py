"""Loads an exported model with a new last layer in Hugging Face transformers and compares with what Tunewright computed;
then runs the program of its README.

usage: head_check.py FOLDER OURS_FILE
OURS_FILE is JSON: text, ids, logits (flat). Prints one line of JSON: class, ids, difference, warnings, program."""
import contextlib
import io
import json
import logging
import os
import re
import sys

import torch
import transformers
from transformers import AutoTokenizer

folder, ours_file = sys.argv[1:3]
torch.set_num_threads(1)
ours = json.load(open(ours_file))

config = json.load(open(os.path.join(folder, "config.json")))
name = config["architectures"][0]
ids = AutoTokenizer.from_pretrained(folder)(ours["text"])["input_ids"]
difference, missing = None, []
if "Classification" in name:
    model, loading = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    model.eval()
    missing = sorted(loading["missing_keys"]) + sorted(loading["unexpected_keys"])
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits.flatten()
    difference = float((logits - torch.tensor(ours["logits"])).abs().max())

readme = open(os.path.join(folder, "README.md")).read()
program = re.search(r"```python\n(.*?)\n```", readme, re.S).group(1)
program = re.sub(r"(?m)^TEXT = .*$", lambda _: "TEXT = " + json.dumps(ours["text"]), program)
os.chdir(os.path.dirname(folder))
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    exec(compile(program, "README", "exec"), {})
print(json.dumps({"class": name, "ids": ids, "difference": difference, "missing": missing, "program": printed.getvalue()}))
