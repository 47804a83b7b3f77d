"""Layered memory: mirrored rings of candles for the short, the mid and the long horizon."""
