"""The engine: from a Git repository to cells. Plain Python, never imports Django, usable as a library."""
