"""The examples of deployment name options, paths, ports and numbers that the service has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml

from edgener import Recognizer
from edgener.serve.metrics import Metrics
from edgener.serve_cli import SERVE
from edgener_edge.oci import PORT
from tests.docs.test_code_blocks import options_of
from tests.serve.servers import TOKEN, Running, running
from tests.support import ROOT, load_module

DEPLOY = ROOT / "examples" / "deploy"
TRITON = DEPLOY / "triton" / "ner"
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
PROMETHEUS = list(yaml.safe_load_all((DEPLOY / "prometheus.yaml").read_text(encoding="utf-8")))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["edgener"]
METRIC = "edgener_queue_seconds"


def of_kind(kind: str) -> Any:
    """Return the only object of a kind."""
    (found,) = (it for it in [*KUBERNETES, *PROMETHEUS] if it["kind"] == kind)
    return found


CONTAINER = of_kind("Deployment")["spec"]["template"]["spec"]["containers"][0]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service with the options of the pods, but for the address and the place of the tokens."""
    tokens = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens.write_text(f"newsroom {TOKEN}\n", encoding="utf-8")
    places = {"0.0.0.0:8765": "0.0.0.0:0", "/etc/edgener/tokens": str(tokens)}
    with running(*(places.get(word, word) for word in CONTAINER["args"][1:])) as found:
        found.host = "127.0.0.1"
        yield found


@pytest.mark.parametrize("arguments", [CONTAINER["args"], COMPOSE["command"]], ids=["kubernetes", "compose"])
def test_containers_serve_at_their_port_with_tokens_that_are_mounted(arguments: list[str]) -> None:
    name, *options = arguments
    assert name == SERVE.name
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert given.keys() <= options_of("edgener", name)
    assert given["--http"] == f"0.0.0.0:{PORT}"
    mounted = {"/etc/edgener/tokens", "/run/secrets/tokens"}
    assert given["--token-file"] in mounted
    assert COMPOSE["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert [port["containerPort"] for port in CONTAINER["ports"]] == [PORT]


def test_the_mounted_secret_lies_where_the_service_looks() -> None:
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
    assert f"{mounts['tokens']}/tokens" in CONTAINER["args"]
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"] == 65534
    assert COMPOSE["secrets"] == ["tokens"]


@pytest.mark.parametrize("name", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_are_answered_without_a_token(served: Running, name: str) -> None:
    assert served.get(CONTAINER[name]["httpGet"]["path"]).status == 200
    assert CONTAINER[name]["httpGet"]["port"] == CONTAINER["ports"][0]["name"]


def test_only_liveness_survives_a_pod_that_ends() -> None:
    paths = [CONTAINER[name]["httpGet"]["path"] for name in ("readinessProbe", "livenessProbe")]
    assert paths == ["/ready", "/health"]


def test_the_autoscaler_looks_at_a_number_that_the_service_gives_with_a_token(served: Running) -> None:
    (endpoint,) = of_kind("PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["authorization"]["credentials"]["key"] == "token"
    assert served.get(endpoint["path"]).status == 401
    numbers = served.get(endpoint["path"], Authorization=f"Bearer {TOKEN}").body.decode()
    assert f"\n{METRIC} " in numbers
    assert f"# TYPE {METRIC} gauge" in Metrics().page().decode()
    (metric,) = of_kind("HorizontalPodAutoscaler")["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == METRIC
    (rule,) = yaml.safe_load(of_kind("ConfigMap")["data"]["config.yaml"])["rules"]
    assert rule["name"]["as"] == METRIC
    assert rule["seriesQuery"].startswith(METRIC)
    assert METRIC in rule["metricsQuery"]


def test_objects_choose_the_pods_of_the_deployment() -> None:
    labels = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert of_kind("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert of_kind("Service")["spec"]["selector"] == labels
    for kind in ("PodDisruptionBudget", "PodMonitor"):
        assert of_kind(kind)["spec"]["selector"]["matchLabels"] == labels
    assert (
        of_kind("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"]
        == of_kind("Deployment")["metadata"]["name"]
    )


def test_the_model_of_triton_answers_each_text_in_its_place(recognizer: Recognizer) -> None:
    texts = ["王小明在青山大学工作。", "", "李娜\N{PILE OF POO}从云州市来"]
    arrays = [np.array([[text.encode()] for text in texts], dtype=object), np.array([[b"\xff" + texts[0].encode()]])]
    found = load_module(TRITON / "1/model.py").answers(recognizer, arrays)
    assert [array.shape for array in found] == [array.shape for array in arrays]
    expected = [*texts, f"\udcff{texts[0]}"]
    for answer, text in zip((item for array in found for item in array.flat), expected, strict=True):
        assert json.loads(answer) == [entity.to_dict() for entity in recognizer(text)]


def test_the_configuration_of_triton_names_what_the_model_reads_and_writes() -> None:
    config = (TRITON / "config.pbtxt").read_text(encoding="utf-8")
    code = (TRITON / "1/model.py").read_text(encoding="utf-8")
    for name in ("TEXT", "ENTITIES"):
        assert f'name: "{name}"' in config
        assert f'"{name}"' in code
    assert f'name: "{TRITON.name}"' in config
