"""What became of what was said: calibration of the minds, and the weights that follow from it."""
