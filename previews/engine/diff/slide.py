from __future__ import annotations
def slide(blocks, left, right):
    return blocks
