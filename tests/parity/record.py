"""Records the golden runs, and the public names with their signatures, from Keras 3.15 on JAX.

    KERAS_BACKEND=jax python tests/parity/record.py [cross] [features] [models] [names] [PART…]

A PART is the ending of a `cases_PART.py`, whose `CASES` go into `golden/PART.npz`.

Needs `keras` and `jax`, not hotloop. Without arguments, records everything. The files hold the data
and initial weights that the runs started from, so a replay needs neither library's random numbers.
"""

import importlib
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import cases
import keras
import model_configs
import numpy as np
import packed
import signatures

GOLDEN = Path(__file__).with_name("golden")


def as_recorded(values):
    """float32 is what both libraries compute in; float64 histories hold no more than that."""
    values = np.asarray(values)
    return values.astype("float32") if values.dtype == np.float64 else values


def record_cross(data):
    runs = []
    for number, case in enumerate(cases.CROSS):
        runs.append(cases.run_cross(keras, data, case))
        keras.backend.clear_session()
        if number % 20 == 0:
            print(f"{number}/{len(cases.CROSS)} {cases.cross_name(case)}", flush=True)
    np.savez_compressed(
        GOLDEN / "cross.npz",
        names=np.array([cases.cross_name(case) for case in cases.CROSS]),
        losses=np.stack([run["losses"] for run in runs]),
        weights=np.stack([run["weights"] for run in runs]),
    )


def record_features(data):
    arrays = {}
    for name, run in cases.FEATURE_CASES.items():
        print(name, flush=True)
        for key, value in run(keras, data).items():
            arrays[f"{name}/{key}"] = as_recorded(value)
        keras.backend.clear_session()
    np.savez_compressed(GOLDEN / "features.npz", **arrays)


def parts_of_cases():
    """The endings of the modules `cases_PART.py`."""
    files = Path(__file__).parent.glob("cases_*.py")
    return sorted(file.stem.removeprefix("cases_") for file in files)


def record_part(part):
    arrays = {}
    module = importlib.import_module(f"cases_{part}")
    backend = getattr(module, "BACKEND", "jax")
    if backend != keras.backend.backend():
        print(f"{part}: left as it is, to be recorded with KERAS_BACKEND={backend}", flush=True)
        return
    for name, run in module.CASES.items():
        for key, value in run(keras).items():
            arrays[f"{name}/{key}"] = value
        keras.backend.clear_session()
    packed.save(GOLDEN / f"{part}.npz", arrays)
    print(f"{part}: {len(arrays)} arrays", flush=True)


def record_names():
    lines = (
        f"{json.dumps(name)}: {json.dumps(described, separators=(',', ':'))}"
        for name, described in signatures.record(keras).items()
    )
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (GOLDEN / "names.json").write_text(text, encoding="utf-8")


def record_configs():
    found = {}
    for name, (make, _) in model_configs.MODELS.items():
        found[name] = json.loads(make(keras).to_json())
        keras.backend.clear_session()
    text = json.dumps(found, separators=(",", ":"))
    (GOLDEN / "models.json").write_text(text + "\n", encoding="utf-8")


def main(parts):
    GOLDEN.mkdir(exist_ok=True)
    if not keras.__version__.startswith("3.15."):
        raise SystemExit(f"these runs are recorded from Keras 3.15, this is {keras.__version__}")
    data = cases.make_data()
    if not parts or set(parts) & {"cross", "features"}:
        np.savez_compressed(GOLDEN / "data.npz", **data)
    if not parts or "cross" in parts:
        record_cross(data)
    if not parts or "features" in parts:
        record_features(data)
    for part in parts_of_cases():
        if not parts or part in parts:
            record_part(part)
    if not parts or "models" in parts:
        record_configs()
    if not parts or "names" in parts:
        record_names()


if __name__ == "__main__":
    main(sys.argv[1:])
