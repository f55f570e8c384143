"""Makes `cases` and `signatures`, which the recorder imports too, importable by the tests here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
