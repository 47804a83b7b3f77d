"""Forecasters: statistical models, and foundation models by local path."""
