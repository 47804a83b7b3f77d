"""Clients of language models, and the store of their answers and costs."""
