"""How much faster than a peer hotloop has to be, and whether it is."""

from collections.abc import Mapping, Sequence

from hotloop.cli.bench.rows import OWN, Row

__all__ = ["judge", "parse"]


def parse(given: Sequence[str], rivals: Sequence[str]) -> dict[str, float]:
    """`PEER=RATIO` texts as numbers by peer.

    Raises:
        ValueError: a text is not of that form, or names somebody who does not take part.
    """
    gates = {}
    for text in given:
        name, _, ratio = text.partition("=")
        try:
            gates[name] = float(ratio)
        except ValueError:
            raise ValueError(f"--gate {text}: expected PEER=RATIO, as in torch=1.5") from None
        if name not in rivals:
            others = ", ".join(rivals) or "nobody: --peers is not given"
            raise ValueError(f"--gate {text}: {name} does not take part; these do: {others}")
    return gates


def judge(gates: Mapping[str, float], rows: Sequence[Row]) -> int:
    """Prints which epochs miss their gates; the exit code."""
    missed = 0
    for row in rows:
        for name, gate in gates.items():
            if row.group != "epochs" or not {name, OWN} <= row.samples.keys():
                continue
            ratio = row.ratio(name, OWN)
            if ratio < gate:
                missed = 1
                print(f"missed: {row.name}: {ratio:.2f} × {name}, not {gate:g}")
    return missed
