"""Sources that lie outside the repository which is previewed: charts of registries, other Git repositories."""
