"""Alerts from outside: bytes in, Signal or Refused out. No HTTP server here."""
