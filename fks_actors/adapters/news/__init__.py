"""Where headlines come from."""
