"""The outside: databases, exchanges, files."""
