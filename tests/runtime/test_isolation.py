"""The runtime needs onnxruntime, numpy and tokenizers, and nothing else: not what they bring, and no network."""

from __future__ import annotations

import json

from tests.support import TINY_BUNDLE, run_python

RECOGNIZE = """
import json, sys
from edgener import Recognizer
found = [entity.text for entity in Recognizer.load(sys.argv[1])("王小明在青山大学工作。")]
from edgener.cli import main
assert main(["check", sys.argv[1]]) == 0
assert main(["--model", sys.argv[1], "王小明"]) == 0
assert main(["env"]) == 0
print()
print(json.dumps({"found": found, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""
REFUSE_OTHERS = """
import sys
ALLOWED = {"edgener", "onnxruntime", "numpy", "tokenizers"}
class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ALLOWED and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {name!r}: refused by the test", name=name)
sys.meta_path.insert(0, Refuse)
"""
REFUSE_NETWORK = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "urllib.Request"):
        raise AssertionError(f"{event} {arguments}")
sys.addaudithook(refuse)
"""
HEAVY = {"torch", "transformers", "optimum", "huggingface_hub", "onnx", "sympy", "scipy", "pandas", "requests", "tqdm"}


def recognize(before: str = "") -> set[str]:
    """Recognize and check in a process of its own; the names of all modules that were loaded for it."""
    finished = run_python(before + RECOGNIZE, str(TINY_BUNDLE))
    assert finished.code == 0, finished.errors
    result = json.loads(finished.output.splitlines()[-1])
    assert result["found"] == ["王小明", "青山大学"]
    return set(result["modules"])


def test_nothing_heavy_is_imported() -> None:
    assert not recognize() & HEAVY


def test_three_packages_are_enough() -> None:
    assert {"edgener", "onnxruntime", "numpy", "tokenizers"} <= recognize(REFUSE_OTHERS)


def test_the_network_is_not_touched() -> None:
    recognize(REFUSE_NETWORK)


def test_telemetry_is_off() -> None:
    code = "import os; os.environ.pop('ORT_DISABLE_TELEMETRY', None); from edgener import Recognizer\n"
    assert run_python(code + "print(os.environ['ORT_DISABLE_TELEMETRY'])").output == b"1\n"


def test_the_command_line_starts_without_what_only_some_commands_need() -> None:
    finished = run_python("import sys, edgener.cli; print(*{'socket', 'numpy', 'onnxruntime'} & set(sys.modules))")
    assert (finished.code, finished.output) == (0, b"\n"), finished.errors


INTERRUPTED_IMPORT = """
import runpy, signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == "edgener.map_cli":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
runpy.run_module("edgener", run_name="__main__")
"""


def test_ctrl_c_while_it_is_imported_ends_it_without_a_traceback() -> None:
    assert run_python(INTERRUPTED_IMPORT) == (130, b"", "")
