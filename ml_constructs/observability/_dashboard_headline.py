"""What a part of the dashboard is about, with links to where on-call goes next."""

from __future__ import annotations

from typing import Final

from ml_constructs._checks import is_token

_CONSOLES: Final = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def endpoint_headline(name: str, region: str) -> str:
    """The name of an endpoint, with links to its logs and itself."""
    return _headline("##", name, region, "Endpoints", {"Endpoint": f"#/endpoints/{name}"})


def component_headline(name: str, region: str) -> str:
    """The name of an inference component, with a link to its logs."""
    return _headline("###", name, region, "InferenceComponents", {})


def _headline(level: str, name: str, region: str, group: str, places: dict[str, str]) -> str:
    """Where the region is not known, there is a link to the place in the console that is open."""
    logs = f"#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252F{group}$252F{name}"
    if is_token(region):
        return f"{level} {name}\n[Container logs]({logs})"
    console = next((host for prefix, host in _CONSOLES.items() if region.startswith(prefix)), "console.aws.amazon.com")
    links = {"Container logs": f"https://{console}/cloudwatch/home?region={region}{logs}"}
    for label, place in places.items():
        links[label] = f"https://{console}/sagemaker/home?region={region}{place}"
    return f"{level} {name}\n" + " | ".join(f"[{label}]({link})" for label, link in links.items())
