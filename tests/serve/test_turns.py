"""Clients take turns, then a client's requests; what is over leaves nothing behind."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Recognizer
from edgener.segmentation import CHUNK, CHUNK_MARGIN
from edgener.serve.request import Model, QueuedRow, Request
from edgener.serve.run_cost import RunCost
from edgener.serve.turns import MOST_ROWS_INSIDE, MOST_TOKENS_INSIDE, Ahead, Turns

LONG = "王小明在青山大学工作。" * 2000


@pytest.fixture
def model(recognizer: Recognizer) -> Model:
    return Model(recognizer, RunCost(12.0, 0.0001))


def request(model: Model, client: str, *texts: str) -> Request:
    return Request(texts, client, model, arrived=0.0, seconds=None, done=lambda _end: None)


def draw_all(turns: Turns, most: int = 1000) -> list[Request]:
    """Put rows into the pool until no request may or ``most`` have; return the requests in the order of their turns."""
    drawn: list[Request] = []
    while len(drawn) < most and (one := turns.draw()):
        turns.enter(one, one.next_row())
        drawn.append(one)
    return drawn


def take(turns: Turns) -> QueuedRow:
    """Take the row whose turn it is, alone."""
    head = turns.head()
    assert head
    turns.take(head)
    return head


def test_clients_take_turns_and_then_their_requests(model: Model) -> None:
    turns = Turns()
    names = {
        request(model, client, *["王小明。"] * 3): name
        for client, name in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("c", "c1"))
    }
    for one in names:
        turns.add(one)
    assert [names[one] for one in draw_all(turns)] == [
        "a1", "b1", "c1", "a2", "b1", "c1", "a1", "b1", "c1", "a2", "a1", "a2"
    ]  # fmt: skip
    heads = [names[take(turns).request] for _ in range(12)]
    assert heads == ["a1", "b1", "c1", "a2", "b1", "c1", "a1", "b1", "c1", "a2", "a1", "a2"]
    assert turns.head() is None
    for one in names:
        turns.remove(one)


def test_a_newcomer_s_row_is_the_next_but_one_whatever_waits(model: Model) -> None:
    turns = Turns()
    for _ in range(100):
        turns.add(request(model, "greedy", "王小明。"))
    assert len(draw_all(turns)) == MOST_ROWS_INSIDE
    take(turns)
    polite = request(model, "polite", "李娜。")
    turns.add(polite)
    draw_all(turns)
    assert polite in [take(turns).request for _ in range(2)]


def test_a_long_request_keeps_few_tokens_in_the_pool_and_goes_on_when_they_leave(model: Model) -> None:
    turns = Turns()
    long, short = request(model, "a", LONG), request(model, "a", "李娜。")
    turns.add(long)
    draw_all(turns)
    length = 11 + 2
    assert long.inside_tokens == MOST_TOKENS_INSIDE // length * length + length
    turns.add(short)
    assert draw_all(turns) == [short]
    for _ in range(len(long.inside) + 1):
        last = take(turns).request
    assert last is short
    count = 0
    while draw_all(turns) or turns.head():
        take(turns)
        count += 1
    assert count + 40 == pytest.approx(2000, abs=1)
    for one in (long, short):
        turns.remove(one)


def test_a_request_is_not_answered_while_its_last_row_is_encoded(model: Model) -> None:
    turns = Turns()
    one = request(model, "a", "王小明。", "李娜。")
    turns.add(one)
    assert draw_all(turns, most=1) == [one]
    first = take(turns)
    assert turns.draw() is one
    last = one.next_row()
    one.take(first, [])
    assert not one.is_answered
    turns.enter(one, last)
    assert not one.is_answered
    one.take(take(turns), [])
    assert one.is_answered
    assert one.entities() == [[], []]


def test_a_turn_without_a_row_looks_at_a_window_s_worth_of_text_and_is_charged(model: Model) -> None:
    turns = Turns()
    one = request(model, "a", *[""] * 40, " " * (CHUNK + 1000), "王小明。")
    turns.add(one)
    room = model.recognizer.manifest.max_tokens
    assert 40 < room < CHUNK
    assert draw_all(turns, most=1) == [one]
    assert turns.tokens == CHUNK_MARGIN + 1000 + 1 + 5
    assert not turns.head()
    assert one.has_more
    assert draw_all(turns) == [one] * 2
    assert take(turns).request is one
    assert turns.tokens == 0


def test_what_goes_before_a_newcomer_depends_on_who_it_is(model: Model) -> None:
    turns = Turns()
    for _ in range(4):
        turns.add(request(model, "greedy", "王" * 63))
    turns.add(request(model, "polite", "王" * 31))
    assert turns.ahead("greedy", 64) == Ahead(own=256, others=32)
    assert turns.ahead("polite", 64) == Ahead(own=32, others=96)
    assert turns.ahead("newcomer", 16) == Ahead(own=0, others=32)
    assert turns.ahead("newcomer", 10_000) == Ahead(own=0, others=256 + 32)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6), st.integers(0, 30)), max_size=20), st.data())
@settings(max_examples=50)
def test_nothing_is_left_when_all_requests_are_over(
    recognizer: Recognizer, asked: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    turns, model = Turns(), Model(recognizer, RunCost(12.0, 0.0001))
    requests = []
    for client, texts, length in asked:
        requests.append(request(model, client, *["王" * length] * texts))
        turns.add(requests[-1])
        draw_all(turns, data.draw(st.integers(0, 4)))
        for _ in range(data.draw(st.integers(0, 2))):
            if turns.head():
                take(turns)
    rest = sum(one.tokens for one in requests)
    assert turns.tokens == turns.space == rest
    assert all(one.tokens >= 0 for one in requests)
    for one in data.draw(st.permutations(requests)):
        turns.remove(one)
    assert (turns.tokens, turns.space, turns.is_anything_to_do, len(model.pool)) == (0, 0, False, 0)
    assert turns._clients == {}
