"""A spot exchange of our own that speaks Binance's API: for tests, chaos runs and practice without a venue.

The engine is synchronous and pure; the clock, the sockets and the faults are around it. Its ledger is the judge.
"""
