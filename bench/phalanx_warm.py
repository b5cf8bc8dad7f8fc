"""The warm half of bench.phalanx: one preview in a process of its own, as the command would run it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.phalanx import bench_at, prepared_preview
from previews.engine.git import Mirror
from previews.engine.preview import finish
from tests.corpora import phalanx

folder, case = Path(sys.argv[1]), json.loads(sys.argv[2])
mirror = Mirror(folder / "mirror", str(phalanx.BUNDLE), allow_local=True)
with bench_at(folder, mirror) as bench:
    prepared = prepared_preview(bench, mirror, case)
    cells = finish(prepared, bench.manifests(list(prepared.plan.requests.values())))
    print(f"warm: {len(cells)} cells, {bench.rendered} rendered", file=sys.stderr)
