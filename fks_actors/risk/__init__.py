"""Limits, sizing, reservation, trading state. The only maker of `Approved`; arithmetic only."""
