"""Run every benchmark: `python -m tests.bench [NAME ...]`; `--list` names them. They print figures and assert nothing.

Each figure is a line `what | measured | limit`; how it is measured stands in the benchmark's own module. Several are
run one after the other, each in a process of its own.
"""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

from tests.bench.figures import row


def main() -> None:
    """Run the named benchmarks, or all; or list them."""
    there = {path.stem.removeprefix("bench_"): path for path in sorted(Path(__file__).parent.glob("bench_*.py"))}
    asked = [name.removeprefix("bench_") for name in sys.argv[1:] if name != "--list"]
    unknown = sorted(set(asked) - there.keys())
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(there)}")
    if "--list" in sys.argv:
        for name, path in there.items():
            about = ast.get_docstring(ast.parse(path.read_text())) or ""
            print(f"{name:12} {about.partition(chr(10))[0]}")
    elif len(asked) == 1:
        row("what", "measured", "limit")
        importlib.import_module(f"tests.bench.bench_{asked[0]}").main()
    else:
        for name in asked or there:
            print(f"\n== {name} ==", flush=True)
            subprocess.run([sys.executable, "-m", "tests.bench", name], check=True)


if __name__ == "__main__":
    main()
