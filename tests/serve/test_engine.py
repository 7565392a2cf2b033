"""The engine gives the recognizer's answers, in turns, in time or not at all, and survives what its runs raise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Recognizer, Rules
from edgener.bundle import TOKENIZER, load_bundle
from edgener.segmentation import CHUNK
from edgener.serve.engine import Answered, Engine, Failed
from edgener.serve.errors import Draining, Expired, Internal, Overloaded
from edgener.serve.observer import Observer
from edgener.tokenizer import Encoder, Encoding
from tests.serve.controlled import Clock, ControlledSession, Ends, controlled_recognizer
from tests.serve.servers import PATIENCE
from tests.support import TEXTS, TINY_BUNDLE, labelled_texts

SENTENCES = [row.text for row in labelled_texts()]
SENTENCE = "王小明在青山大学工作。"


@pytest.fixture
def session() -> ControlledSession:
    return ControlledSession(Clock())


@contextmanager
def held(session: ControlledSession, **options: object) -> Iterator[tuple[Engine, Ends]]:
    """Provide an engine with one worker that is held in the run of a request named "plug", and its ends."""
    recognizer = controlled_recognizer(session)
    with closing(Engine(recognizer, workers=1, clock=session.clock, **options)) as engine:  # type: ignore[arg-type]
        session.shapes.clear()
        session.hold()
        ends = Ends(engine)
        ends.ask("plug", SENTENCE, client="plug")
        session.await_run()
        try:
            yield engine, ends
        finally:
            session.release()


def until_refused(ends: Ends, client_of: Callable[[int], str]) -> tuple[int, Overloaded]:
    """Submit requests of 50 tokens until one is refused; return the number of the others, and the refusal."""
    for number in count():
        try:
            ends.ask(f"{number}", "王" * 49, client=client_of(number))
        except Overloaded as refused:
            return number, refused
    raise AssertionError("never refused")


def test_a_request_that_comes_between_two_looks_of_a_worker_is_not_slept_through(
    session: ControlledSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Engine(controlled_recognizer(session), workers=1, clock=session.clock)) as engine:
        ends, fill_pool, names = Ends(engine), engine._fill_pool, ["late"]

        def fill_and_ask() -> bool:
            has_filled = fill_pool()
            if not has_filled and names:
                ends.ask(names.pop(), SENTENCE)
            return has_filled

        monkeypatch.setattr(engine, "_fill_pool", fill_and_ask)
        ends.ask("first", SENTENCE)
        assert {name for name, _ in ends.take(2)} == {"first", "late"}


def test_requests_are_answered_as_the_recognizer_answers_them(recognizer: Recognizer) -> None:
    with closing(Engine(recognizer, workers=2, queue_seconds=PATIENCE)) as engine:
        ends = Ends(engine)
        asked = {
            f"{number}": ["", *SENTENCES[number : number + 3], "".join(SENTENCES[number : number * 9])][: number % 6]
            for number in range(12)
        }
        for name, texts in asked.items():
            ends.ask(name, *texts, client=name[-1])
        for name, end in ends.take(len(asked)):
            assert isinstance(end, Answered)
            assert end.entities == list(recognizer.batch(asked[name]))
            assert end.model == recognizer.manifest.name
            assert end.queue_seconds >= 0
            assert end.compute_seconds >= 0


def test_rules_of_the_recognizer_apply_where_text_has_no_token_and_where_it_has_several_parts(
    recognizer: Recognizer,
) -> None:
    ruled = recognizer.with_rules(Rules(dictionary={"豆腐": "ORG"}, min_score=0.9, types=("ORG", "PER")))
    texts = ["豆腐", "".join(SENTENCES[:300]) + "豆腐", SENTENCE, "\n"]
    with closing(Engine(ruled, workers=1)) as engine:
        ends = Ends(engine)
        ends.ask("ruled", *texts)
        ((_, end),) = ends.take(1)
    assert isinstance(end, Answered)
    assert end.entities == list(ruled.batch(texts))
    assert end.entities[0][0].text == "豆腐"
    assert end.entities[1][-1].text == "豆腐"


def test_rows_of_similar_length_are_computed_together_and_apart_without_batching(session: ControlledSession) -> None:
    texts = ["王" * length for length in (4, 4, 5, 40, 41, 40)]
    with held(session) as (_, ends):
        for number, text in enumerate(texts):
            ends.ask(f"{number}", text)
        session.release()
        ends.take(1 + len(texts))
    assert sorted(session.shapes[1:]) == [(3, 7), (3, 43)]


def test_without_batching_each_row_is_computed_alone(session: ControlledSession) -> None:
    with held(session, batching=False) as (_, ends):
        for number in range(5):
            ends.ask(f"{number}", SENTENCE)
        session.release()
        ends.take(6)
    assert [rows for rows, _ in session.shapes] == [1] * 6


def test_a_client_with_one_request_does_not_wait_for_all_requests_of_another(session: ControlledSession) -> None:
    with held(session, queue_seconds=PATIENCE) as (_, ends):
        for number in range(100):
            ends.ask(f"greedy {number}", "王" * 60, client="greedy")
        ends.ask("polite", "李" * 10, client="polite")
        session.release()
        order = [name for name, _ in ends.take(102)]
    assert order.index("polite") <= 2 * 4 + 1


def test_a_client_with_one_request_waits_for_a_short_run_beside_one_with_many(session: ControlledSession) -> None:
    with held(session, queue_seconds=PATIENCE) as (_, ends):
        for number in range(40):
            ends.ask(f"greedy {number}", "王" * (30 if number % 2 else 60), client="greedy")
        ends.ask("polite", "李" * 30, client="polite")
        session.release()
        ends.take(42)
    assert session.shapes[1:3] == [(4, 62), (2, 32)]
    assert (8, 32) in session.shapes


def test_clients_with_one_request_each_are_computed_together(session: ControlledSession) -> None:
    with held(session, queue_seconds=PATIENCE) as (_, ends):
        for number in range(16):
            ends.ask(f"{number}", "王" * 30, client=f"client {number}")
        session.release()
        ends.take(17)
    assert session.shapes[1:] == [(8, 32), (8, 32)]


def test_a_short_request_does_not_wait_for_a_long_one_of_the_same_client(session: ControlledSession) -> None:
    began = session.clock.now
    with held(session, queue_seconds=PATIENCE) as (_, ends):
        ends.ask("long", "".join(SENTENCES * 3)[:9000])
        ends.ask("short", SENTENCE)
        session.release()
        (_, short), (_, long) = ends.take(3)[1:]
    assert isinstance(short, Answered)
    assert isinstance(long, Answered)
    assert session.clock.now - began > 0.3
    assert short.queue_seconds + short.compute_seconds < 0.15 * (long.queue_seconds + long.compute_seconds)


def test_a_request_that_would_begin_too_late_is_refused_with_the_time_that_is_missing(
    session: ControlledSession,
) -> None:
    with held(session, queue_seconds=0.05) as (engine, ends):
        accepted, refused = until_refused(ends, lambda _number: "greedy")
        assert 0.05 / (50 * 7e-5) < accepted < 0.05 / (50 * 5e-5) + 2
        assert refused.reason == "client"
        assert 0 < refused.retry_after < 50 * 7e-5
        ends.ask("polite", "李" * 49, client="polite")
        others, refused = until_refused(ends, lambda number: f"other {number}")
        assert accepted / 2 <= others <= accepted
        assert refused.reason == "overloaded"
        assert engine.statistics().queue_requests == accepted + 1 + others
        session.release()
        assert all(isinstance(end, Answered) for _, end in ends.take(accepted + others + 2))


def test_the_queue_always_has_room_for_another_client(session: ControlledSession) -> None:
    with held(session, queue_seconds=PATIENCE, queue_tokens=1000) as (_, ends):
        accepted, refused = until_refused(ends, lambda _number: "greedy")
        assert (accepted, refused.reason) == (10, "client")
        with pytest.raises(Overloaded, match="overloaded") as too_long:
            ends.ask("polite", "李" * 999, client="polite")
        assert too_long.value.reason == "overloaded"
        assert 0 < too_long.value.retry_after < 1000 * 7e-5
        ends.ask("polite", "李" * 199, client="polite")
        session.release()
        ends.take(12)


def test_an_idle_engine_takes_a_request_of_any_length(session: ControlledSession) -> None:
    recognizer = controlled_recognizer(session)
    with closing(Engine(recognizer, workers=1, queue_seconds=0.001, queue_tokens=10)) as engine:
        ends = Ends(engine)
        ends.ask("long", "".join(SENTENCES))
        ((_, end),) = ends.take(1)
        assert isinstance(end, Answered)


def test_a_request_leaves_the_queue_when_its_deadline_passes(session: ControlledSession) -> None:
    with held(session) as (engine, ends):
        ends.ask("hurried", SENTENCE, deadline=0.3)
        ends.ask("patient", SENTENCE, deadline=30)
        session.clock.now += 0.4
        session.release()
        found = dict(ends.take(3))
        assert isinstance(found["patient"], Answered)
        hurried = found["hurried"]
        assert isinstance(hurried, Failed)
        assert isinstance(hurried.error, Expired)
        assert "within the 0.3 seconds" in str(hurried.error)
        assert engine.drain(PATIENCE)
    assert [rows for rows, _ in session.shapes] == [1, 1]


class SlowEncoder(Encoder):
    """The encoder of the tiny model, which takes a hundredth of a second for a text."""

    clock: Clock

    def _encode_in_parts(self, text: str) -> Encoding:
        self.clock.now += 0.01
        return super()._encode_in_parts(text)


@pytest.fixture
def slow(session: ControlledSession) -> Iterator[tuple[Engine, Ends]]:
    """An engine with one worker whose time goes by while it encodes, and the ends of its requests."""
    bundle = load_bundle(TINY_BUNDLE)
    encoder = SlowEncoder(bundle.path(TOKENIZER))
    encoder.clock = session.clock
    recognizer = Recognizer(bundle.manifest, encoder, session, batch_size=8)
    with closing(Engine(recognizer, workers=1, clock=session.clock, queue_seconds=PATIENCE)) as engine:
        yield engine, Ends(engine)


WITHOUT_ROWS = [" " * (40 * CHUNK), *["\u200b" * 5000] * 40]
"""Texts without a token, which are encoded in more than 80 parts."""


def test_text_without_a_row_does_not_delay_others(session: ControlledSession, slow: tuple[Engine, Ends]) -> None:
    _, ends = slow
    session.hold()
    ends.ask("plug", SENTENCE, client="plug")
    session.await_run()
    ends.ask("blank", *WITHOUT_ROWS, client="blank")
    ends.ask("also blank", *WITHOUT_ROWS, client="blank")
    ends.ask("polite", SENTENCE, client="polite")
    session.release()
    found = dict(ends.take(4))
    blank, polite = found["blank"], found["polite"]
    assert isinstance(blank, Answered)
    assert blank.entities == [[]] * len(WITHOUT_ROWS)
    assert isinstance(polite, Answered)
    assert polite.queue_seconds + polite.compute_seconds < 0.05
    assert blank.queue_seconds > 0.8


def test_the_deadline_of_text_without_a_row_holds(session: ControlledSession, slow: tuple[Engine, Ends]) -> None:
    _, ends = slow
    began = session.clock.now
    ends.ask("blank", *WITHOUT_ROWS, deadline=0.1)
    ((_, end),) = ends.take(1)
    assert isinstance(end, Failed)
    assert isinstance(end.error, Expired)
    assert session.clock.now - began < 0.2


def test_text_without_a_row_does_not_make_the_queue_seem_slower(
    session: ControlledSession, slow: tuple[Engine, Ends]
) -> None:
    engine, ends = slow

    def seconds_per_token() -> float:
        session.hold()
        ends.ask("plug", SENTENCE, client="plug")
        session.await_run()
        ends.ask("queued", SENTENCE)
        statistics = engine.statistics()
        session.release()
        ends.take(2)
        return statistics.queue_seconds / statistics.queue_tokens

    before = seconds_per_token()
    ends.ask("blank", *WITHOUT_ROWS)
    ends.take(1)
    assert seconds_per_token() < before * 1.5


def test_a_cancelled_request_leaves_the_queue_at_once_and_is_never_answered(session: ControlledSession) -> None:
    with held(session) as (engine, ends):
        tickets = [ends.ask(f"{number}", *SENTENCES[:50], client=f"{number}") for number in range(3)]
        for ticket in tickets:
            ticket.cancel()
            ticket.cancel()
        statistics = engine.statistics()
        assert (statistics.queue_requests, statistics.queue_tokens, statistics.queue_seconds) == (0, 0, 0)
        session.release()
        assert [name for name, _ in ends.take(1)] == ["plug"]
        assert engine.drain(PATIENCE)
        assert ends.is_empty
    assert len(session.shapes) == 1


def test_a_request_that_is_cancelled_while_it_is_computed_gets_no_answer(session: ControlledSession) -> None:
    recognizer = controlled_recognizer(session)
    with closing(Engine(recognizer, workers=1, clock=session.clock)) as engine:
        ends = Ends(engine)
        session.hold()
        ticket = ends.ask("cancelled", *SENTENCES[:40])
        session.await_run()
        ticket.cancel()
        assert engine.statistics().queue_tokens == 0
        session.release()
        assert engine.drain(PATIENCE)
        assert ends.is_empty


def test_requests_fail_with_the_error_of_their_run_and_the_worker_goes_on(session: ControlledSession) -> None:
    errors: list[BaseException] = []

    class Log(Observer):
        def failed(self, error: BaseException) -> None:
            errors.append(error)

    with held(session, observer=Log()) as (_, ends):
        ends.ask("queued", SENTENCE)
        session.error = MemoryError("no memory left")
        session.release()
        for _, end in ends.take(2):
            assert isinstance(end, Failed)
            assert isinstance(end.error, Internal)
            assert end.error.__cause__ is session.error
        assert errors == [session.error] * 2
        session.error = None
        ends.ask("after", SENTENCE)
        assert isinstance(ends.take(1)[0][1], Answered)


def test_a_text_that_cannot_be_encoded_fails_alone(session: ControlledSession) -> None:
    with held(session) as (_, ends):
        ends.ask("good", SENTENCE)
        ends.ask("bad", SENTENCE, "坏", SENTENCE)
        session.release()
        found = dict(ends.take(3))
    assert isinstance(found["good"], Answered)
    bad = found["bad"]
    assert isinstance(bad, Failed)
    assert isinstance(bad.error.__cause__, ValueError)


def test_who_does_not_take_an_answer_keeps_nobody_else_from_theirs(session: ControlledSession) -> None:
    def refuse(_end: Answered | Failed) -> None:
        raise RuntimeError("gone")

    with held(session) as (engine, ends):
        engine.submit([SENTENCE], client="gone", deadline=None, done=refuse)
        ends.ask("there", SENTENCE)
        session.release()
        assert [name for name, _ in ends.take(2)] == ["plug", "there"]


def test_requests_keep_the_model_that_was_there_when_they_came(session: ControlledSession) -> None:
    retired: list[str] = []

    class Log(Observer):
        def retired(self, model: str) -> None:
            retired.append(model)

    other = ControlledSession(session.clock)
    with held(session, observer=Log()) as (engine, ends):
        for number in range(3):
            ends.ask(f"before {number}", SENTENCE)
        engine.switch(controlled_recognizer(other, "other"))
        other.shapes.clear()
        for number in range(3):
            ends.ask(f"after {number}", SENTENCE)
        assert retired == []
        session.release()
        for name, end in ends.take(7):
            assert isinstance(end, Answered)
            assert end.model == ("other" if name.startswith("after") else "tiny")
        assert engine.drain(PATIENCE)
        engine.switch(controlled_recognizer(session, "third"))
    assert sum(rows for rows, _ in session.shapes[:2]) == 4
    assert [rows for rows, _ in other.shapes] == [3]
    assert retired == ["tiny", "other"]


def test_a_model_that_is_held_answers_what_is_asked_of_it_and_is_retired_when_it_is_let_go() -> None:
    retired: list[str] = []

    class Log(Observer):
        def retired(self, model: str) -> None:
            retired.append(model)

    def named(name: str) -> Recognizer:
        return controlled_recognizer(ControlledSession(Clock()), name)

    with closing(Engine(named("first"), workers=1, observer=Log())) as engine:
        ends = Ends(engine)
        with engine.held_model() as model:
            engine.switch(named("second"))
            ends.ask("of the held one", SENTENCE, model=model)
            ends.ask("of any", SENTENCE)
            found = dict(ends.take(2))
            assert engine.drain(PATIENCE)
            assert retired == []
        assert retired == ["first"]
        with engine.held_model():
            pass
        assert retired == ["first"]
    assert {name: end.model for name, end in found.items() if isinstance(end, Answered)} == {
        "of the held one": "first",
        "of any": "second",
    }


def test_a_drained_engine_has_answered_all_and_takes_no_more(session: ControlledSession) -> None:
    with held(session) as (engine, ends):
        ends.ask("queued", *SENTENCES[:30])
        assert not engine.drain(0.01)
        with pytest.raises(Draining):
            ends.ask("late", SENTENCE)
        session.release()
        assert engine.drain(PATIENCE)
        assert all(isinstance(end, Answered) for _, end in ends.take(2))


def test_a_closed_engine_lets_the_rest_fail_and_leaves_no_thread(session: ControlledSession) -> None:
    threads = set(threading.enumerate())
    with held(session) as (engine, ends):
        ends.ask("queued", SENTENCE)
        closing_thread = threading.Thread(target=engine.close)
        closing_thread.start()
        for _, end in ends.take(2):
            assert isinstance(end, Failed)
            assert isinstance(end.error, Draining)
        session.release()
        closing_thread.join()
    assert set(threading.enumerate()) == threads


def test_statistics_and_hooks_say_what_happens(session: ControlledSession) -> None:
    told: list[tuple[object, ...]] = []

    class Log(Observer):
        def began(self, queue_seconds: float) -> None:
            told.append(("began", round(queue_seconds, 3)))

        def ran(self, seconds: float, rows: int, tokens: int, padding: int) -> None:
            told.append(("ran", round(seconds, 5), rows, tokens, padding))

        def answered(self, labels: Mapping[str, int]) -> None:
            told.append(("answered", dict(labels)))

        def expired(self) -> None:
            told.append(("expired",))

        def cancelled(self) -> None:
            told.append(("cancelled",))

    with held(session, observer=Log()) as (engine, ends):
        ends.ask("four", "王小明。", client="a")
        ends.ask("five", "王小明来。", client="b")
        ends.ask("late", SENTENCE, deadline=0.1)
        ends.ask("cancelled", SENTENCE).cancel()
        statistics = engine.statistics()
        assert (statistics.queue_requests, statistics.workers, statistics.workers_busy) == (3, 1, 1)
        assert statistics.queue_tokens == 5 + 6 + len(SENTENCE) + 1
        assert statistics.queue_seconds == pytest.approx(statistics.queue_tokens * 6e-5, rel=0.2)
        session.clock.now += 0.2
        session.release()
        ends.take(4)
        assert engine.drain(PATIENCE)
    assert told[0] == ("began", 0)
    assert told[1] == ("cancelled",)
    assert told[4:] == [
        ("expired",),
        ("began", pytest.approx(0.2, abs=0.01)),
        ("began", pytest.approx(0.2, abs=0.01)),
        ("ran", 0.0013, 2, 6 + 7, 1),
        ("answered", {"PER": 2}),
    ]


Step = tuple[str, int, list[str]]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "cancel", "switch"]),
        st.integers(0, 4),
        st.lists(TEXTS | st.sampled_from(SENTENCES), max_size=4),
    ),
    max_size=14,
)


@given(STEPS)
@settings(max_examples=30)
def test_any_interleaving_loses_no_request_and_gives_the_recognizer_s_answers(
    recognizer: Recognizer, steps: list[Step]
) -> None:
    models = [recognizer, recognizer.with_rules(Rules(types=("PER",)))]
    with closing(Engine(recognizer, workers=2, queue_seconds=PATIENCE)) as engine:
        ends = Ends(engine)
        current, tickets, expected, cancelled = 0, [], {}, set()
        for number, (step, choice, texts) in enumerate(steps):
            if step == "ask":
                tickets.append((f"{number}", ends.ask(f"{number}", *texts, client=f"{choice}")))
                expected[f"{number}"] = list(models[current].batch(texts))
            elif step == "cancel" and tickets:
                name, ticket = tickets[choice % len(tickets)]
                ticket.cancel()
                cancelled.add(name)
            elif step == "switch":
                current = 1 - current
                engine.switch(models[current])
        assert engine.drain(PATIENCE)
        found: dict[str, list[object]] = {}
        while not ends.is_empty:
            ((name, end),) = ends.take(1)
            assert isinstance(end, Answered)
            found.setdefault(name, []).append(end.entities)
    assert all(answers == [expected[name]] for name, answers in found.items())
    assert expected.keys() - cancelled <= found.keys() <= expected.keys()
