"""Speed against plain baselines, measured in one run."""
