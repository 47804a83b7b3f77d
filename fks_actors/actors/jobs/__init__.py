"""Jobs on the cluster: who keeps and starts them, Ray's job server, and the process that does one."""
