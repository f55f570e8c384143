"""One library in one process, which a benchmark talks to in JSON, an object a line.

    python worker.py LIBRARY_FILE OPTIONS

LIBRARY_FILE defines a class `Library`, made as `Library(**OPTIONS)`, with `about` (name and
versions) and any of these methods; what is not there is not measured of the library:

    prepare(workload, data, purpose)  a model; purpose is "epochs", "inference", "latency", "memory"
    choice                            what prepare chose by trial; it is in the workload if the same
                                      is wanted again
    take(rows)                        trains on the first rows of the data only, from now on
    epochs(count)                     trains
    evaluate(), predict()             on the test data
    call_one(), predict_one()         on one row
    train_on_batch()                  on 32 rows
    product(m, n, k, ta, tb)          returns the function that multiplies
    first_step(workload)              returns the function that builds, compiles and trains a batch

Requests and answers:

    {"do": "hello"}                                      {"about": "..."}
    {"do": "prepare", "workload": {...}, "files": {...}, "purpose": "epochs"}
                                                         {"configuration": "...", "choice": ...}
    {"do": "take", "rows": 7424}                         {"rows": 7424}, after an epoch to warm up
    {"do": "measure", "what": "epochs", "how": "each", "count": 3}       {"value": 0.25}
    {"do": "measure", "what": "predict", "how": "median", "count": 9}    {"value": 0.001}
    {"do": "measure", "what": "first_step", "how": "first", "arguments": [{...}]}
    {"do": "report", "what": "peak"}                     {"value": what the method returns}
    {"do": "memory"}                                     {"value": the most bytes resident so far}
    {"do": "growth", "what": "predict_one", "warm_up": 9, "count": 99}   {"value": bytes}

`how` is "each" (the method runs `count` times by itself; seconds of one), "median" (of `count`
calls, after one that is not counted) or "first" (one call, nothing before it). With `arguments`,
the method is given them and returns what is called. A request that the library cannot serve (the
method is missing or raises NotImplementedError) is answered with {"unsupported": "..."}, one that
fails with {"error": "..."}. The process ends with its standard input. Needs nothing but Python,
whose version may differ from hotloop's.
"""

import gc
import json
import os
import re
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


def method_of(library, name):
    method = getattr(library, name, None)
    if method is None:
        raise NotImplementedError("no %s of this library is measured" % name)  # noqa: UP031
    return method


def measure(library, what, how, count=1, arguments=()):
    method = method_of(library, what)
    if how == "each":
        return seconds_of(lambda: method(count)) / count
    call = method(*arguments) if arguments else method
    if how == "first":
        return seconds_of(call)
    if how == "median":
        call()
        return statistics.median(seconds_of(call) for _ in range(count))
    raise ValueError("unknown way to measure %r" % how)  # noqa: UP031


def resident(file, title):
    """Bytes, from a file of Linux's."""
    try:
        with open("/proc/self/" + file) as lines:
            return 1024 * int(re.findall(title + r":\s*(\d+) kB", lines.read())[0])
    except OSError:
        raise NotImplementedError("memory is read from /proc, as Linux has it") from None


def growth(library, what, warm_up, count):
    """Bytes by which the process is larger after `count` calls than at most in the `warm_up` calls.

    The allocator gives memory back at times and takes it again: that is not growth.
    """
    method = method_of(library, what)

    def size_after(calls):
        for _ in range(calls):
            method()
        gc.collect()
        return resident("smaps_rollup", "Rss")

    before = max(size_after(warm_up // 4) for _ in range(4))
    return size_after(count) - before


def answer(library, request):
    do = request.pop("do")
    if do == "hello":
        return {"about": library.about}
    if do == "prepare":
        import numpy

        data = {name: numpy.load(path) for name, path in request["files"].items()}
        said = library.prepare(request["workload"], data, request["purpose"])
        return {"configuration": said, "choice": getattr(library, "choice", None)}
    if do == "take":
        method_of(library, "take")(request["rows"])
        library.epochs(1)
        return request
    if do == "measure":
        return {"value": measure(library, **request)}
    if do == "report":
        return {"value": method_of(library, request["what"])()}
    if do == "memory":
        return {"value": resident("status", "VmHWM")}
    if do == "growth":
        return {"value": growth(library, **request)}
    raise ValueError("unknown request %r" % do)  # noqa: UP031


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
