"""Recordings of bars on disk: fetched, checked, converted, listed. A file is replaced whole or stays as it was."""
