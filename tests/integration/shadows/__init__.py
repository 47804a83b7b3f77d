"""Shadows over a real SQLite journal that a real desk writes in this process."""
