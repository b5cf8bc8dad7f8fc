"""The pages: a module for each. A view finds its object, acts, and renders; what it shows is data before it is HTML."""
