"""One configuration of the step benchmark with PEFT, in a process of its own: step.py '{"folder": ..., "rows": 4, ...}'
prints one line of JSON, like bench/step-case.ts."""
import json
import sys
import time
import torch
from model import adamw, open_model, peak_mib, step, versions


def gemm_gflops(tokens, inner, outer):
    """Best rate of a plain product of the model's own shape, for about 200 ms."""
    x, weight = torch.randn(tokens, inner), torch.randn(outer, inner)
    best, end = float("inf"), time.perf_counter() + 0.2
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.nn.functional.linear(x, weight)
        best = min(best, time.perf_counter() - start)
    return 2 * tokens * inner * outer / best / 1e9


def main():
    case = json.loads(sys.argv[1])
    rows, positions = case["rows"], case["positions"]
    model = open_model(case)
    trained, optimizer = adamw(model, 2e-4)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(100, model.config.vocab_size, (rows, positions), generator=generator)
    labels = ids.clone()
    labels[:, : round(positions * (1 - case["labelledShare"]))] = -100
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    steps_ms = []
    for _ in range(case["steps"] + 1):
        start = time.perf_counter()
        step(model, trained, optimizer, batch, case.get("precision", "float32"))
        steps_ms.append((time.perf_counter() - start) * 1000)
    peak = peak_mib()
    rate = gemm_gflops(rows * positions, model.config.hidden_size, model.config.intermediate_size)
    facts = {"stepsMs": steps_ms[1:], "peakMib": peak, "gemmGflops": rate, "versions": versions()}
    print(json.dumps(facts))


main()
