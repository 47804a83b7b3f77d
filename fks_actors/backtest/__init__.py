"""History through the same desk, in one process: no cluster, no database, no clock but the bars'."""
