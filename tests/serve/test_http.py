"""A service over HTTP answers as the command line does, and tells every wrong request what is wrong."""

from __future__ import annotations

import json
import random
import re
from concurrent.futures import ThreadPoolExecutor, wait
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path

import pytest
from huggingface_hub import InferenceClient

from edgener import Recognizer
from edgener.serve.problem import ERROR_TYPES
from tests.serve.servers import PATIENCE, TEXT, Running, is_closed, read_answer, running, wait_until
from tests.support import FRAGMENTS, labelled_texts

JSON = {"Content-Type": "application/json"}


def shape(recognizer: Recognizer, text: str) -> list[dict[str, object]]:
    """Return what the service should answer to a text."""
    return [
        {
            "entity_group": one.label,
            "score": round(one.score, 4),
            "word": one.text,
            "start": one.start,
            "end": one.end,
        }
        for one in recognizer(text)
    ]


@pytest.mark.parametrize("path", ["/v1/ner", "/"])
def test_a_text_gets_a_list_of_entities_and_a_list_gets_lists(
    service: Running, recognizer: Recognizer, path: str
) -> None:
    one = service.ask({"inputs": TEXT}, path)
    assert (one.status, one.headers["content-type"]) == (200, "application/json")
    assert one.json == shape(recognizer, TEXT)
    assert [entity["word"] for entity in one.json] == ["王小明", "青山大学"]
    assert service.ask({"inputs": [TEXT, "", TEXT]}, path).json == [one.json, [], one.json]
    assert service.ask({"inputs": []}, path).json == []


def test_texts_of_all_kinds_in_random_batches_get_the_answers_of_the_recognizer(
    service: Running, recognizer: Recognizer
) -> None:
    source = random.Random(7)
    sentences = [row.text for row in labelled_texts()]
    texts = ["", "长" * 9_000 + TEXT, *FRAGMENTS]
    texts += ["".join(source.choices([*sentences, *FRAGMENTS], k=source.randint(1, 6))) for _ in range(1_000)]
    expected = {text: shape(recognizer, text) for text in texts}
    source.shuffle(texts)
    iterator = iter(texts)
    batches = []
    while batch := list(islice(iterator, source.randint(1, 9))):
        batches.append(batch)

    def ask(batch: list[str]) -> list[object]:
        answer = service.ask({"inputs": batch})
        assert answer.status == 200, answer
        return list(answer.json)

    with ThreadPoolExecutor(8) as pool:
        for batch, found in zip(batches, pool.map(ask, batches), strict=True):
            assert found == [expected[text] for text in batch]


def test_hugging_faces_client_works_by_changing_its_address(service: Running, recognizer: Recognizer) -> None:
    for address in (service.address, f"{service.address}/v1/ner"):
        client = InferenceClient(model=address)
        found = client.token_classification(TEXT, aggregation_strategy="simple", ignore_labels=["ORG"], stride=4)
        assert [(one.entity_group, one.word, one.start, one.end) for one in found] == [("PER", "王小明", 0, 3)]
        assert found[0].score == shape(recognizer, TEXT)[0]["score"]


def test_parameters_choose_among_the_entities(service: Running) -> None:
    found = service.ask({"inputs": TEXT}).json
    lowest, highest = sorted(one["score"] for one in found)
    parameters = {"min_score": (lowest + highest) / 2}
    chosen = service.ask({"inputs": TEXT, "parameters": parameters, "options": {"use_cache": False}}).json
    assert [one["score"] for one in chosen] == [highest]
    ignoring = service.ask({"inputs": [TEXT], "parameters": {"ignore_labels": ["PER", "O"]}}).json
    assert [one["entity_group"] for one in ignoring[0]] == ["ORG"]


def test_the_operators_words_hold_over_http(tmp_path: Path) -> None:
    words = tmp_path / "words.tsv"
    words.write_text("工作\tORG\n", encoding="utf-8")
    with running("--workers", "1", "--dictionary", str(words)) as service:
        found = service.ask({"inputs": TEXT}).json
    assert ("工作", "ORG") in [(entity["word"], entity["entity_group"]) for entity in found]


def test_offsets_count_code_points_and_lone_surrogates_survive(service: Running) -> None:
    text = "👨‍👩‍👧\ud800" + TEXT
    answer = service.ask(json.dumps({"inputs": text}).encode())
    assert [text[one["start"] : one["end"]] for one in answer.json] == ["王小明", "青山大学"]
    escaped = service.ask(b'{"inputs": "\\ud800\\u738b\\u5c0f\\u660e\\udc00\\u5728\\u9752\\u5c71\\u5927\\u5b66"}')
    assert escaped.status == 200


DEEP = b"[" * 200_000
NO_REQUESTS: list[tuple[bytes, int, str]] = [
    (b"", 400, "the body is not JSON: Expecting value at character 0"),
    (b"{", 400, "the body is not JSON: Expecting property name enclosed in double quotes at character 1"),
    (b'{"inputs": "\xff"}', 400, "the body is not UTF-8 at byte 12"),
    (DEEP, 400, "the body is nested too deeply"),
    (b'{"inputs": ' + DEEP, 400, "the body is nested too deeply"),
    (b'{"inputs": NaN}', 400, "the body holds a number that is not taken: NaN"),
    (b'{"inputs": ' + b"1" * 5_000 + b"}", 400, "the body holds a number that is not taken: Exceeds the limit"),
    (b"[]", 422, "the body must be a JSON object"),
    (b"null", 422, "the body must be a JSON object"),
    (b"{}", 422, "inputs is missing; it holds a text or a list of texts"),
    (b'{"inputs": null}', 422, "inputs must be a text or a list of texts"),
    (b'{"inputs": 5}', 422, "inputs must be a text or a list of texts"),
    (b'{"inputs": ["a", 5]}', 422, "inputs must be a text or a list of texts"),
    (b'{"inputs": [["a"]]}', 422, "inputs must be a text or a list of texts"),
    (b'{"inputs": "a", "text": "b"}', 422, "the body holds 'text', which is unknown; known: inputs, parameters, opti"),
    (b'{"inputs": "a", "parameters": []}', 422, "parameters must be a JSON object"),
    (b'{"inputs": "a", "options": 1}', 422, "options must be a JSON object"),
    (b'{"inputs": "a", "parameters": {"\\ud800": 1}}', 422, "parameters holds '\\ud800', which is unknown"),
    (b'{"inputs": "a", "parameters": {"min_score": true}}', 422, "min_score must be a number between 0 and 1"),
    (b'{"inputs": "a", "parameters": {"min_score": 1e999}}', 422, "min_score must be a number between 0 and 1"),
    (b'{"inputs": "a", "parameters": {"stride": -1}}', 422, "stride must be a whole number of at least 0"),
    (b'{"inputs": "a", "parameters": {"ignore_labels": "PER"}}', 422, "ignore_labels must be a list of entity types"),
    (
        b'{"inputs": "a", "parameters": {"aggregation_strategy": "none"}}',
        422,
        "aggregation_strategy none is not offered: entities are found whole; leave it out",
    ),
    (b'{"inputs": "a", "parameters": {"aggregation_strategy": 1}}', 422, "aggregation_strategy must be one of simple"),
]


@pytest.mark.parametrize(("body", "status", "message"), NO_REQUESTS, ids=map(str, range(len(NO_REQUESTS))))
def test_a_body_that_is_no_request_is_told_why(service: Running, body: bytes, status: int, message: str) -> None:
    answer = service.ask(body)
    assert answer.status == status
    assert answer.json["error"].startswith(message)
    assert answer.json["error_type"] == ERROR_TYPES[status]


def test_too_many_texts_or_bytes_are_refused(service: Running) -> None:
    assert service.ask({"inputs": ["a"] * 256}).status == 200
    many = service.ask({"inputs": ["a"] * 257})
    assert (many.status, many.json["error"]) == (422, "inputs holds 257 texts; send at most 256 at once")
    large = service.ask({"inputs": "a" * (1 << 20)})
    assert (large.status, large.json["error_type"]) == (413, "too_large")


def test_a_body_in_chunks_is_measured_too(service: Running) -> None:
    connection = HTTPConnection(service.host, service.port, timeout=PATIENCE)
    connection.request("POST", "/v1/ner", iter([b"[" * (1 << 19)] * 3), JSON, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=gbk"],
)
def test_another_media_type_is_refused(service: Running, media_type: str) -> None:
    answer = service.request("POST", "/v1/ner", b'{"inputs": "a"}', {"Content-Type": media_type} if media_type else {})
    assert (answer.status, answer.json["error_type"]) == (415, "unsupported_media_type")


def test_a_compressed_body_is_refused_and_a_charset_is_not(service: Running) -> None:
    assert service.ask({"inputs": "a"}, Content_Encoding="gzip").status == 415
    assert service.ask({"inputs": "a"}, Content_Type='Application/JSON; charset="UTF-8"').status == 200


def test_unknown_paths_and_methods_are_told(service: Running) -> None:
    missing = service.get("/v1/nothing")
    assert (missing.status, missing.json) == (404, {"error": "there is no such path", "error_type": "not_found"})
    wrong = service.request("DELETE", "/v1/ner")
    assert (wrong.status, wrong.headers["allow"], wrong.json["error_type"]) == (405, "POST", "method_not_allowed")
    assert service.get("/health/").status == 404


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon", ""])
def test_a_time_that_makes_no_sense_is_refused(service: Running, timeout: str) -> None:
    assert service.ask({"inputs": TEXT}, X_Request_Timeout=timeout).status == 422


def test_a_request_that_is_not_answered_in_time_fails(service: Running) -> None:
    long = {"inputs": ["长" * 1000 + TEXT] * 16}
    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(service.ask, long) for _ in range(2)]
        wait(others, timeout=0.05)
        answer = service.ask(long, X_Request_Timeout="0.0001")
        assert [other.result().status for other in others] == [200, 200]
    assert (answer.status, answer.json["error_type"]) == (504, "deadline")
    assert service.metric("edgener_expired_total") >= 1


def test_requests_have_names_and_times(service: Running) -> None:
    named = service.ask({"inputs": TEXT}, X_Request_Id="order-66")
    assert named.headers["x-request-id"] == "order-66"
    assert set(named.headers["server-timing"].replace(" ", "").split(";")[0].split(",")) == {"queue"}
    invented = service.ask({"inputs": TEXT}, X_Request_Id="a\tb c").headers["x-request-id"]
    assert len(invented) == 16
    start = "id=order-66 client=127.0.0.1 method=POST route=/v1/ner status=200"
    wait_until(lambda: any(line.startswith(start) for line in service.log))


def test_what_is_refused_before_it_is_a_request_has_a_name_and_a_line_in_the_log(service: Running) -> None:
    conflict = b"POST /v1/ner HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: %b\r\nContent-Length: 3\r\n"
    conflict += b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\nabc"
    for content, status, method, name in (
        (b"no HTTP at all\r\n\r\n", 400, "-", ""),
        (
            b"GET /health HTTP/1.1\r\nX-Request-Id: too-large\r\nX-A: " + b"x" * (1 << 14) + b"\r\n\r\n",
            431,
            "GET",
            "too-large",
        ),
        (conflict % b"conflict", 400, "POST", "conflict"),
    ):
        with service.connect() as connection, connection.makefile("rb") as stream:
            connection.sendall(content)
            answer = stream.read()
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        found = re.search(rb"x-request-id: (\S+)\r\n", answer)
        assert found
        assert found[1].decode() == name or (not name and len(found[1]) == 16)
        line = re.compile(rf"id={found[1].decode()} client=127\.0\.0\.1 method={method} route=\S+ status={status} ")
        wait_until(lambda line=line: any(line.match(one) for one in service.log))
        assert sum(f"id={found[1].decode()} " in one for one in service.log) == 1


def test_no_text_of_a_client_is_in_the_log(service: Running) -> None:
    service.ask({"inputs": "绝密的王小明"})
    service.ask(b'{"inputs": "secret-in-bad-json')
    service.ask({"inputs": "a", "secret-key": 1})
    service.get("/secret-path?secret-query")
    service.request("POST", "/v1/lines", b"secret-line\n", {"Content-Type": "text/plain"})
    service.get("/health")
    assert [line for line in service.log if "secret" in line or "绝密" in line] == []


def test_health_readiness_and_description(service: Running, recognizer: Recognizer) -> None:
    assert service.get("/health").json == {"status": "alive"}
    assert service.get("/ready").json == {"status": "ready", "model": recognizer.manifest.name}
    info = service.get("/info").json
    assert info["model"]["labels"] == ["LOC", "ORG", "PER"]
    assert info["model"]["name"] == recognizer.manifest.name
    assert (info["workers"], info["processes"], info["limits"]["texts"]) == (2, 1, 256)


def test_a_request_without_a_name_for_the_host_or_with_a_foreign_one_is_refused_on_loopback(service: Running) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost@evil", ""):
        answer = service.ask({"inputs": TEXT}, Host=host)
        assert (answer.status, answer.json["error_type"]) == (400, "bad_request")
    for host in ("localhost", "LOCALHOST:1", "[::1]:8765", "127.0.0.1"):
        assert service.ask({"inputs": TEXT}, Host=host).status == 200
    with service.connect() as connection:
        connection.sendall(b"GET /info HTTP/1.0\r\n\r\n")
        assert read_answer(connection)[0] == 400


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_a_probe_is_answered_whatever_it_calls_the_host(service: Running, path: str) -> None:
    with service.connect() as connection:
        connection.sendall(b"GET %b HTTP/1.0\r\n\r\n" % path.encode())
        assert read_answer(connection)[0] == 200
    assert service.get(path, Host="10.1.2.3:8765").status == 200
    assert service.get(path, Host="10.1.2.3:8765", Origin="https://evil.example").status == 400
    assert service.get("/metrics", Host="10.1.2.3:8765").status == 400


def test_a_page_of_another_origin_is_refused(service: Running) -> None:
    host = f"127.0.0.1:{service.port}"
    others = ("http://localhost:3000", "http://127.0.0.1", "https://127.0.0.1", f"http://localhost:{service.port}")
    for origin in ("https://evil.example", "null", "http://[", f"http://{host}.evil.example", *others):
        answer = service.request("POST", "/v1/lines", b"a\n", {"Content-Type": "text/plain", "Origin": origin})
        assert answer.status == 400, origin
    assert service.ask({"inputs": TEXT}, Origin=f"http://{host}").status == 200
    preflight = service.request("OPTIONS", "/v1/ner", None, {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in preflight.headers


def test_one_connection_carries_many_requests_and_several_at_once(service: Running) -> None:
    body = json.dumps({"inputs": TEXT}).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with service.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall((head.encode() + body) * 5)
        for _ in range(5):
            assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.startswith(b"content-length"):
                    length = int(line.split(b":")[1])
            assert len(json.loads(stream.read(length))) == 2


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(service: Running) -> None:
    body = b'{"inputs": "a"}'
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    with service.connect() as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection) == (200, b"[]")
    with service.connect() as connection:
        connection.sendall(head + b"Content-Length: 1000000000\r\n\r\n")
        assert read_answer(connection)[0] == 413


def test_an_answer_to_a_client_that_was_given_no_leave_to_send_its_body_ends_the_connection(service: Running) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    with service.connect() as connection:
        connection.sendall(head)
        answer = connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close" in answer
        connection.settimeout(10)
        assert is_closed(connection)
    with service.connect() as connection:
        connection.sendall(head + b"whole")
        assert b"connection: close" not in connection.recv(1 << 16)
        connection.sendall(head + b"whole")
        assert read_answer(connection)[0] == 200


def test_an_error_before_the_end_of_a_body_ends_the_connection_and_one_after_it_does_not(service: Running) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    with service.connect() as connection:
        connection.sendall(head + b"some")
        assert b"connection: close" in connection.recv(1 << 16)
        connection.settimeout(10)
        assert is_closed(connection)
    with service.connect() as connection:
        connection.sendall(head + b"all of it")
        assert b"connection: close" not in connection.recv(1 << 16)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)[0] == 200


def test_a_request_that_offers_another_protocol_or_names_the_whole_address_is_answered(service: Running) -> None:
    upgrade = service.get("/health", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABk")
    assert upgrade.json == {"status": "alive"}
    with service.connect() as connection:
        connection.sendall(b"GET http://localhost/%68ealth?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)[0] == 200
        connection.sendall(b"GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)[0] == 200
        connection.sendall(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)[0] == 404


def test_a_request_that_offers_another_protocol_keeps_its_body_and_those_behind_it(service: Running) -> None:
    body = json.dumps({"inputs": TEXT}).encode()
    rest = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    offer = b"POST / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n" + rest
    with service.connect() as connection:
        connection.sendall(offer)
        connection.sendall(body)
        status, found = read_answer(connection)
        assert (status, len(json.loads(found))) == (200, 2)
        connection.sendall(offer + body)
        assert read_answer(connection)[0] == 200
        connection.sendall(b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)[0] == 400


def test_what_follows_the_last_request_of_a_connection_keeps_it_from_no_answer(service: Running) -> None:
    with service.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\nand something more")
        assert read_answer(connection)[0] == 200


def test_of_too_many_requests_at_once_the_first_ones_are_answered(service: Running) -> None:
    with service.connect() as connection:
        connection.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40)
        content = b""
        while block := connection.recv(1 << 16):
            content += block
    assert content.count(b"HTTP/1.1 200 OK") == 17
    assert content.lower().count(b"connection: close") == 1


def test_a_header_that_is_sent_twice_has_both_values(service: Running) -> None:
    rest = b'Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"inputs": "a"}'
    for first, status in ((b"Host: evil.example", 400), (b"Content-Type: text/plain", 415)):
        with service.connect() as connection:
            connection.sendall(b"POST / HTTP/1.1\r\n" + first + b"\r\n" + rest)
            assert read_answer(connection)[0] == status


def test_head_tells_what_get_would(service: Running) -> None:
    answer = service.request("HEAD", "/health")
    assert (answer.status, answer.body) == (200, b"")


def test_the_page_loads_nothing_from_elsewhere(service: Running) -> None:
    page = service.get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self';"
    )
    assert page.headers["referrer-policy"] == "no-referrer"
    for name in re.findall(rb'(?:href|src)="([\w.]+)"', page.body):
        assert service.get(f"/{name.decode()}").status == 200
    assert service.get("/favicon.ico").status == 204
    assert service.get("/../app.py").status == 404
    assert service.get("/index.html").status == 404
