"""What importing a module costs when NumPy is there already: run as `import_probe.py MODULE`.

Prints, in the last line, the seconds and how many threads the process has more than before.
"""

import importlib
import json
import os
import sys
import time

import numpy  # noqa: F401

TASKS = "/proc/self/task"


def threads():
    return len(os.listdir(TASKS)) if os.path.isdir(TASKS) else 0


if __name__ == "__main__":
    del sys.path[0]  # the neighbours of this file are hotloop's modules
    before = threads()
    start = time.perf_counter()
    importlib.import_module(sys.argv[1])
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "threads": threads() - before}))
