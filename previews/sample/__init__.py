"""A sample fleet with pull requests, for the first look and for the tests."""
