#!/usr/bin/env python
"""Django's command line."""

from astrolabe_web import main

if __name__ == "__main__":
    main()
