"""Numbers are there under their documented names, in Prometheus' format, and count what happened."""

from __future__ import annotations

import json
import re
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edgener.serve.metrics import Metrics
from tests.serve.servers import TEXT, Running
from tests.support import ROOT

DASHBOARD = ROOT / "examples/grafana.json"
NAMES = {
    "requests", "refused", "expired", "cancelled", "texts", "tokens", "padding_tokens", "entities", "model_switches",
    "request_duration_seconds", "queue_duration_seconds", "run_duration_seconds", "run_rows", "run_tokens",
    "queue_requests", "queue_tokens", "queue_seconds", "workers", "workers_busy", "connections", "model_info",
}  # fmt: skip


def families(service: Running) -> dict[str, dict[str, float]]:
    """Return the samples of each family, by name and labels."""
    answer = service.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        family.name: {
            sample.name + "".join(f",{key}={value}" for key, value in sorted(sample.labels.items())): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(answer.body.decode())
    }


def test_every_family_says_in_a_sentence_what_it_counts() -> None:
    found = {
        family.name.removeprefix("edgener_"): (family.type, family.documentation)
        for family in text_string_to_metric_families(Metrics().page().decode())
        if family.name.startswith("edgener_") and not family.name.endswith("_created")
    }
    assert found == {
        "requests": ("counter", "Requests that were answered, by route and status."),
        "refused": ("counter", "Requests that were not taken, by reason."),
        "expired": ("counter", "Requests whose deadline passed."),
        "cancelled": ("counter", "Requests whose client left before the answer."),
        "texts": ("counter", "Texts that were answered."),
        "tokens": ("counter", "Tokens that were computed, without padding."),
        "padding_tokens": ("counter", "Tokens of padding that were computed."),
        "entities": ("counter", "Entities that were found, by type."),
        "model_switches": ("counter", "Changes of the model, by result."),
        "request_duration_seconds": ("histogram", "Time from request to answer, but for streams of lines."),
        "queue_duration_seconds": ("histogram", "Time until the first window is computed."),
        "run_duration_seconds": ("histogram", "Time of a run of the model."),
        "run_rows": ("histogram", "Windows of a run."),
        "run_tokens": ("histogram", "Tokens of a run, with padding."),
        "queue_requests": ("gauge", "Requests that wait."),
        "queue_tokens": ("gauge", "Tokens that wait."),
        "queue_seconds": ("gauge", "Time that the queue takes; scale on this."),
        "workers": ("gauge", "Threads that compute."),
        "workers_busy": ("gauge", "Threads that compute something now."),
        "connections": ("gauge", "Open connections."),
        "model_info": ("gauge", "The model in use; the value is 1."),
    }
    assert found.keys() == NAMES


def test_a_parser_of_prometheus_finds_all_names(service: Running) -> None:
    found = families(service)
    assert {f"edgener_{name}" for name in NAMES} <= found.keys()
    assert found["edgener_workers"] == {"edgener_workers": 2}
    process = {name: value for samples in found.values() for name, value in samples.items() if "process_" in name}
    assert 20e6 < process["process_resident_memory_bytes"] < process["process_virtual_memory_bytes"]
    assert 0.1 < process["process_cpu_seconds_total"] < 3600
    assert -1 < time.time() - process["process_start_time_seconds"] < 3600
    assert 3 < process["process_open_fds"] < process["process_max_fds"]
    (model,) = found["edgener_model_info"]
    assert re.fullmatch(r"edgener_model_info,digest=[0-9a-f]{12},name=[\w-]+", model)


def test_requests_texts_and_entities_are_counted(service: Running) -> None:
    before = families(service)
    assert service.ask({"inputs": [TEXT, TEXT]}).status == 200
    assert service.ask(b"{").status == 400
    assert service.get("/nothing/that/would/make/a/label").status == 404
    after = families(service)

    def grown(family: str, sample: str) -> float:
        return after[f"edgener_{family}"][f"edgener_{sample}"] - before[f"edgener_{family}"].get(f"edgener_{sample}", 0)

    assert grown("requests", "requests_total,route=/v1/ner,status=200") == 1
    assert grown("requests", "requests_total,route=/v1/ner,status=400") == 1
    assert grown("requests", "requests_total,route=other,status=404") == 1
    assert grown("texts", "texts_total") == 2
    assert grown("entities", "entities_total,label=PER") == 2
    assert grown("request_duration_seconds", "request_duration_seconds_count") == 2
    assert grown("queue_duration_seconds", "queue_duration_seconds_count") == 1


@pytest.mark.parametrize("page", ["docs/serving.md", "examples/grafana.json"])
def test_pages_name_only_metrics_that_there_are(service: Running, page: str) -> None:
    samples = {re.split("[,{]", sample)[0] for family in families(service).values() for sample in family}
    samples |= {f"edgener_{name}_total" for name in NAMES}
    named = set(re.findall(r"edgener_[a-z_]+[a-z]", (ROOT / page).read_text(encoding="utf-8")))
    named = {name for name in named if name.removeprefix("edgener_") not in ("edge", "export")}
    assert named
    assert {name for name in named if name not in samples and f"{name}_bucket" not in samples} == set()


def test_the_dashboard_shows_each_kind_of_trouble() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    for name in ("queue_seconds", "requests_total", "refused_total", "request_duration_seconds_bucket", "run_rows_sum"):
        assert f"edgener_{name}" in queries
