"""`make check`: the lock files name no index host, and every default dependency has a wheel for x86_64 and aarch64."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")


def main() -> int:
    """Return the number of faults."""
    faults = 0
    for lock in LOCKS:
        for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"https?://|--(extra-)?index-url|--find-links|file:", line):
                print(f"{lock.name}:{number}: names where packages come from: {line.strip()}")
                faults += 1
    uv = Path(sys.executable).with_name("uv")
    for platform in PLATFORMS:
        with tempfile.TemporaryDirectory() as target:
            command = [
                str(uv), "pip", "install", "--dry-run", "--quiet", "--target", target, "--python-version", "3.11",
                "--python-platform", platform, "--only-binary", ":all:", "--require-hashes",
                "-r", str(ROOT / "requirements" / "default.lock"),
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{platform}: not every default dependency has a wheel:\n{done.stderr.strip()}")
            faults += 1
    print(f"{len(LOCKS)} lock files, {len(PLATFORMS)} platforms: {faults} faults")
    return faults


if __name__ == "__main__":
    sys.exit(min(main(), 1))
