"""What Argo CD's own settings and a source's options allow: build options, and the Kustomize that is asked for.

Mirrors util/kustomize/kustomize.go parseKustomizeBuildOptions and util/settings/settings.go GetKustomizeSettings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from previews.engine.errors import NotRendered, RenderFailed

BUILD_OPTIONS = "kustomize.buildOptions"
#: Fields of `source.kustomize` (ApplicationSourceKustomize). The two of Helm matter to inflated charts only.
_OPTIONS = frozenset(
    ("namePrefix", "nameSuffix", "images", "replicas", "commonLabels", "forceCommonLabels", "labelWithoutSelector",
     "labelIncludeTemplates", "commonAnnotations", "forceCommonAnnotations", "commonAnnotationsEnvsubst", "namespace",
     "patches", "components", "ignoreMissingComponents", "version", "kubeVersion", "apiVersions")
)  # fmt: skip
_SWITCHES = ("--enable-helm", "--enable-alpha-plugins", "--enable-exec")
_CHOICES = {
    "--load-restrictor": ("LoadRestrictionsRootOnly", "LoadRestrictionsNone"),
    "--reorder": ("none", "legacy"),
}


def check_options(options: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Raises NotRendered for an option of the source that Astrolabe does not know, and for another Kustomize."""
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise NotRendered("plugin", f"kustomize option {', '.join(unknown)} is not known to Astrolabe")
    version = options.get("version")
    if version:
        # kustomize.path.<version> is the older spelling (settings.go addKustomizeVersion).
        binary = settings.get(f"kustomize.version.{version}") or settings.get(f"kustomize.path.{version}")
        where = f" (Argo CD's {binary})" if binary else ""
        raise NotRendered("plugin", f"kustomize.version asks for Kustomize {version}{where}, which is not here")


def build_arguments(settings: Mapping[str, str]) -> list[str]:
    """The flags for `kustomize build`, of those in `kustomize.buildOptions` that change what comes out of it.

    Raises NotRendered for a flag that Astrolabe does not support, RenderFailed for a value that Kustomize refuses.
    """
    parsed = _parsed(settings)
    return [f"{flag}={parsed[flag]}" for flag in _CHOICES if flag in parsed]


def inflates_charts(settings: Mapping[str, str]) -> bool:
    """Whether Helm charts inside of kustomizations are rendered. Raises as `build_arguments` does."""
    return bool(_parsed(settings).get("--enable-helm"))


def is_unrestricted(settings: Mapping[str, str]) -> bool:
    """Whether a kustomization may name files outside of its folder. Raises as `build_arguments` does."""
    return _parsed(settings).get("--load-restrictor") == "LoadRestrictionsNone"


def _parsed(settings: Mapping[str, str]) -> dict[str, str | bool]:
    words = settings.get(BUILD_OPTIONS, "").split()
    found: dict[str, str | bool] = {}
    while words:
        flag, equals, value = words.pop(0).partition("=")
        if flag in _SWITCHES:
            found[flag] = _truth(flag, value) if equals else True
        elif flag in _CHOICES:
            found[flag] = _choice(flag, value if equals else words.pop(0) if words else "")
        else:
            raise NotRendered("plugin", f"Astrolabe does not support {flag} (argocd-cm {BUILD_OPTIONS})")
    for flag in _SWITCHES[1:]:
        if found.get(flag):
            raise NotRendered("plugin", f"Astrolabe runs no plugins of Kustomize: {flag} (argocd-cm {BUILD_OPTIONS})")
    return found


def _truth(flag: str, value: str) -> bool:
    # strconv.ParseBool
    if value in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if value in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise RenderFailed("resolve", f"argocd-cm {BUILD_OPTIONS}: {flag} must be true or false, not {value!r}")


def _choice(flag: str, value: str) -> str:
    if value not in _CHOICES[flag]:
        known = " or ".join(_CHOICES[flag])
        raise RenderFailed("resolve", f"argocd-cm {BUILD_OPTIONS}: {flag} must be {known}, not {value!r}")
    return value
