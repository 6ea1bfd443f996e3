"""Sentence embeddings as sentence-transformers computes them, in a process of its own: embeddings.py '{"folder": ...,
"idsFile": ..., "threads": ...}' prints one line of JSON: seconds of computing, and the vectors. Rows by length, 32 at
once, padded to the longest; mean of the states, length 1; float32."""
import json
import sys
import time
import torch
import transformers

BATCH = 32


def main():
    case = json.loads(sys.argv[1])
    torch.set_num_threads(case["threads"])
    with open(case["idsFile"]) as file:
        rows = json.load(file)
    model = transformers.AutoModel.from_pretrained(case["folder"], dtype=torch.float32, attn_implementation="sdpa")
    model.eval()
    order = sorted(range(len(rows)), key=lambda row: -len(rows[row]))
    vectors = [None] * len(rows)
    start, start_cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        for first in range(0, len(rows), BATCH):
            chosen = order[first : first + BATCH]
            longest = max(len(rows[row]) for row in chosen)
            ids = torch.zeros(len(chosen), longest, dtype=torch.long)
            mask = torch.zeros(len(chosen), longest, dtype=torch.long)
            for at, row in enumerate(chosen):
                ids[at, : len(rows[row])] = torch.tensor(rows[row])
                mask[at, : len(rows[row])] = 1
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).float()
            means = (states * weights).sum(1) / weights.sum(1)
            for row, vector in zip(chosen, torch.nn.functional.normalize(means, dim=1)):
                vectors[row] = vector
    seconds, processor = time.perf_counter() - start, time.process_time() - start_cpu
    rounded = [[round(value, 7) for value in vector.tolist()] for vector in vectors]
    print(json.dumps({"seconds": seconds, "processorSeconds": processor, "vectors": rounded}))


main()
