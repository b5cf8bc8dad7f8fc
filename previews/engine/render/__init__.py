"""Rendering: from a resolved instance to a manifest, in child processes with limits."""
