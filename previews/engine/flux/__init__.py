"""Flux: its objects, found and turned into what is rendered, as its controllers do."""
