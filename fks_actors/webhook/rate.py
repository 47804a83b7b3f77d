"""How often a peer may send: a token bucket each, in memory, for a bounded number of peers."""

from collections import OrderedDict


class RateLimiter:
    """Token buckets by peer. The peer that was quiet longest is forgotten first."""

    def __init__(self, per_minute: int, burst: int, max_peers: int = 4096) -> None:
        self._per_ms = per_minute / 60_000
        self._burst = float(burst)
        self._max_peers = max_peers
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def admit(self, peer: str, now_ms: int) -> float:
        """Take one token of `peer`: 0.0 where there was one, else the seconds until there is."""
        tokens, last_ms = self._buckets.pop(peer, (self._burst, now_ms))
        elapsed = max(0, now_ms - last_ms)
        tokens = min(self._burst, tokens + elapsed * self._per_ms)
        admitted = tokens >= 1
        self._buckets[peer] = (tokens - 1 if admitted else tokens, max(now_ms, last_ms))
        if len(self._buckets) > self._max_peers:
            self._buckets.popitem(last=False)
        return 0.0 if admitted else (1 - tokens) / self._per_ms / 1000
