# Reads what Tunewright carried out with the programs that people will read it with, and prints what they saw as JSON.
# journal_exports_check.py parquet|duckdb|tensorboard|mlflow FOLDER
import json
import sys
from pathlib import Path

form, folder = sys.argv[1], Path(sys.argv[2])


def parquet():
    import pyarrow.parquet as pq

    seen = {}
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path)
        seen[path.stem] = {
            "rows": table.num_rows,
            "types": {field.name: str(field.type) for field in table.schema},
            "groups": pq.ParquetFile(path).num_row_groups,
        }
    metrics = pq.read_table(folder / "metrics.parquet").to_pylist()
    for row in metrics:
        row["at"] = row["at"].timestamp()
    return {"tables": seen, "metrics": metrics}


def duckdb_():
    import duckdb

    place = lambda name: str(folder / f"{name}.parquet").replace("'", "''")
    rows = duckdb.sql(
        f"""SELECT r.run_id, min(m.loss_nats) FROM '{place("metrics")}' m JOIN '{place("runs")}' r USING (run_id)
        WHERE m.part = 'validation' GROUP BY r.run_id ORDER BY 1"""
    ).fetchall()
    return {"best": rows}


def tensorboard():
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen = {}
    for run in sorted(path for path in folder.iterdir() if path.is_dir()):
        events = EventAccumulator(str(run), size_guidance={"scalars": 0, "tensors": 0}).Reload()
        tags = events.Tags()
        seen[run.name] = {
            "scalars": {tag: [[e.wall_time, e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
            "texts": {
                tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in tags["tensors"]
            },
        }
    return seen


def mlflow_():
    import os

    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(folder / "mlruns").as_uri())
    seen = {}
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            history = client.get_metric_history(run.info.run_id, "train_loss")
            seen[run.info.run_id] = {
                "experiment": experiment.name,
                "name": run.info.run_name,
                "status": run.info.status,
                "params": run.data.params,
                "tags": run.data.tags,
                "train_loss": [[m.timestamp, m.step, m.value] for m in history],
            }
    return seen


print(json.dumps({"parquet": parquet, "duckdb": duckdb_, "tensorboard": tensorboard, "mlflow": mlflow_}[form]()))
