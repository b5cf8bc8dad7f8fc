"""ApplicationSets: from generators to Applications, without a cluster."""
