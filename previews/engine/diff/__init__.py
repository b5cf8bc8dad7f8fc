"""The diff as data: lines and resources -> opcodes -> chunks -> rows, each step usable and tested alone."""
