"""One library in one process, which a benchmark talks to in JSON, an object a line.

    python worker.py LIBRARY_FILE OPTIONS

LIBRARY_FILE defines a class `Library`, made as `Library(**OPTIONS)`, with `about` (name and
versions) and any of the methods `prepare(workload, data)`, `epochs(count)`, `evaluate()`,
`predict()`, `call_one()`, `predict_one()`, `train_on_batch()` and `product(m, n, k, ta, tb)`.
Requests and answers:

    {"do": "hello"}                                     {"about": "..."}
    {"do": "prepare", "workload": {...}, "files": ...}  {"configuration": "..."}
    {"do": "measure", "what": "epochs", "count": 3}     {"seconds": 0.25}    of one, on average
    {"do": "measure", "what": "predict", "count": 9}    {"seconds": 0.001}   the median
    {"do": "measure", "what": "product", "count": 9, "arguments": [m, n, k, ta, tb]}

A request that the library cannot serve (the method is missing or raises NotImplementedError) is
answered with {"unsupported": "..."}, one that fails with {"error": "..."}. The process ends with
its standard input. Needs nothing but Python, whose version may differ from hotloop's.
"""

import json
import os
import runpy
import statistics
import sys
import time
import traceback


def load(path):
    return runpy.run_path(path)["Library"]


def seconds_of(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(library, what, count, arguments):
    method = getattr(library, what, None)
    if method is None:
        raise NotImplementedError(f"no {what} of this library is measured")
    if what == "epochs":
        return seconds_of(lambda: method(count)) / count
    if what == "product":
        method = method(*arguments)  # it prepares the operands, and returns what is timed
    method()
    return statistics.median(seconds_of(method) for _ in range(count))


def answer(library, request):
    do = request["do"]
    if do == "hello":
        return {"about": library.about}
    if do == "prepare":
        import numpy

        data = {name: numpy.load(path) for name, path in request["files"].items()}
        return {"configuration": library.prepare(request["workload"], data)}
    if do == "measure":
        count, arguments = request.get("count", 1), request.get("arguments", [])
        return {"seconds": measure(library, request["what"], count, arguments)}
    raise ValueError(f"unknown request {do!r}")


def main():
    # The answers have a channel of their own; whatever libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # The neighbours of this file are hotloop's modules: no library may import them by accident.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != here]
    library = None
    for line in sys.stdin:
        try:
            if library is None:
                library = load(sys.argv[1])(**json.loads(sys.argv[2]))
            reply = answer(library, json.loads(line))
        except NotImplementedError as error:
            reply = {"unsupported": str(error)}
        except Exception as error:
            traceback.print_exc()
            reply = {"error": "%s: %s" % (type(error).__name__, error)}  # noqa: UP031
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()
