"""The `fks` command."""
