"""The composition of the rooms: a candle's way and a signal's way through the house."""
