"""Candles in, views out: incremental indicators and the quality gate."""
