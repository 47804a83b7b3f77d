"""Searching settings over the same past: what may vary, what is tested on what, and what is left after luck is told.

A trial is the settings with other values at a few keys. It is run over blocks of bars, each from fresh cash, after bars
that are learnt from untraded; scores in and out of sample are those of the blocks that a split trains and tests on.
No cluster is known here: whoever runs the blocks is `drive.Workers`.
"""
