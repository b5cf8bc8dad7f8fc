"""What a deployment will do: what is rejected, what restarts, what users feel, whether it can be undone.

One module for each family of rules, plain functions over `Pair` and `Context` that yield `Finding`s.
"""
