"""Astrolabe's one Django app: previews of change requests on a Kubernetes fleet."""
