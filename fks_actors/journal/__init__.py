"""What is recorded and what is read back: the port, the codec, the projections. No database here."""
