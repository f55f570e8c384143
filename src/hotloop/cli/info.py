"""`hotloop info`: what hotloop runs on, and where it looks for data."""

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "info",
        help="show version, instruction set, threads, and where data sets are looked for",
        description="Shows version, instruction set, threads, and where data sets are looked for.",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from hotloop.datasets.places import cache_dir, data_dir, keras_home
    from hotloop.utils.config import config, print_table

    places = {
        "HOTLOOP_DATA_DIR": data_dir() or "not set",
        "hotloop's cache": cache_dir(),
        "Keras's data sets": keras_home() / "datasets",
    }
    print_table({**config(), **{name: str(place) for name, place in places.items()}})
    return 0
