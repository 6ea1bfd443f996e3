"""Epochs over given rows with PEFT, in a process of its own: epoch.py '{"folder": ..., "rowsFile": ..., ...}' prints one
line of JSON. Rows are shuffled, eight together, padded on the right to the longest of them: what a trainer does that is
told nothing else."""
import json
import math
import sys
import time
import torch
import transformers
from model import adamw, open_model, peak_mib, step, versions

IGNORED = -100


def collate(rows, padding):
    length = max(len(row["ids"]) for row in rows)

    def padded(values, filling):
        return torch.tensor([value + [filling] * (length - len(value)) for value in values])

    return {
        "input_ids": padded([row["ids"] for row in rows], padding),
        "attention_mask": padded([[1] * len(row["ids"]) for row in rows], 0),
        "labels": padded([row["labels"] for row in rows], IGNORED),
    }


def batches(rows, size, padding):
    for start in range(0, len(rows), size):
        yield collate(rows[start : start + size], padding)


@torch.no_grad()
def validation_loss(model, rows, padding):
    """Mean over all labelled tokens of all rows, in nats."""
    model.eval()
    total = count = 0
    for batch in batches(sorted(rows, key=lambda row: len(row["ids"])), 4, padding):
        labelled = int((batch["labels"][:, 1:] != IGNORED).sum())
        total += model(**batch, use_cache=False).loss.item() * labelled
        count += labelled
    model.train()
    return total / count


def main():
    case = json.loads(sys.argv[1])
    with open(case["rowsFile"], encoding="utf-8") as file:
        rows = json.load(file)
    model = open_model(case)
    padding = model.config.pad_token_id or 0
    trained, optimizer = adamw(model, case["learningRate"])
    steps_per_epoch = math.ceil(len(rows["train"]) / case["batchRows"])
    total_steps = steps_per_epoch * case["epochs"]
    schedule = transformers.get_cosine_schedule_with_warmup(
        optimizer, math.ceil(case["warmupShare"] * total_steps), total_steps
    )
    generator = torch.Generator().manual_seed(case["seed"])
    epochs_ms, losses, positions = [], [], 0
    for _ in range(case["epochs"]):
        order = torch.randperm(len(rows["train"]), generator=generator).tolist()
        start = time.perf_counter()
        for batch in batches([rows["train"][row] for row in order], case["batchRows"], padding):
            step(model, trained, optimizer, batch)
            schedule.step()
            positions += batch["input_ids"].numel()
        epochs_ms.append((time.perf_counter() - start) * 1000)
        losses.append(validation_loss(model, rows["validation"], padding))
    facts = {
        "epochsMs": epochs_ms,
        "lossesNats": losses,
        "positionsPerEpoch": positions / case["epochs"],
        "peakMib": peak_mib(),
        "versions": versions(),
    }
    print(json.dumps(facts))


main()
