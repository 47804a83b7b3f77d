"""Jobs on disk: how many may run and how large they may be, and their folders under FKS_HOME."""
