"""FKS Actors: a trading platform made of Ray actors."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("fks-actors")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
