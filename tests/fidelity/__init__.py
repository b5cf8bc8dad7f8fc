"""Our renders against the real tools: the same objects in the same order, from the same files and options."""
