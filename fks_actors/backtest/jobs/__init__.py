"""Backtests, optimisations and sweeps as messages: what is asked for, whether it may be, and doing it."""
