"""Run every benchmark: `python -m tests.bench [NAME ...]`. Prints figures and ratios; asserts nothing."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Run the named benchmarks, or all."""
    here = Path(__file__).parent
    found = sorted(path.stem for path in here.glob("bench_*.py"))
    wanted = [name if name.startswith("bench_") else f"bench_{name}" for name in sys.argv[1:]] or found
    for name in wanted:
        print(f"\n== {name.removeprefix('bench_')} ==")
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main()
