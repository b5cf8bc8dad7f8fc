"""Where change requests are kept: a module for each provider, what it tells us and how it proves that it is the one."""
