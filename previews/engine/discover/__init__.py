"""Discovery: from a tree to the instances of a fleet."""
