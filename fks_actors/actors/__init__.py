"""Thin actors: plain classes that hold state and call one function. Only `spawn` knows Ray's options."""
