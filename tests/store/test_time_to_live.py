"""Time to live, in every store."""

import pytest

from nbhitl import StoreError
from nbhitl.store import PutOp

HOME = ("a",)


def test_an_item_whose_time_is_over_is_nowhere_to_be_seen(store, clock):
    store.put(HOME, "short", {}, ttl=1)
    store.put(HOME, "long", {})
    clock.pass_minutes(0.9)
    assert store.get(HOME, "short", refresh_ttl=False) is not None
    clock.pass_minutes(0.2)
    assert store.get(HOME, "short") is None
    assert [item.key for item in store.search(())] == ["long"]
    store.delete(HOME, "long")
    assert store.list_namespaces() == []


def test_reading_lets_the_time_begin_anew_unless_told_otherwise(store, clock):
    store.put(HOME, "k", {}, ttl=1)
    for _ in range(3):
        clock.pass_minutes(0.8)
        assert store.get(HOME, "k") is not None
        clock.pass_minutes(0.8)
        assert len(store.search(())) == 1
    clock.pass_minutes(0.8)
    assert store.get(HOME, "k", refresh_ttl=False) is not None
    assert len(store.search((), refresh_ttl=False)) == 1
    clock.pass_minutes(0.3)
    assert store.get(HOME, "k") is None


def test_a_search_lets_only_the_time_of_what_it_gives_begin_anew(store, clock):
    store.put(HOME, "1", {}, ttl=1)
    store.put(HOME, "2", {}, ttl=1)
    clock.pass_minutes(0.8)
    store.search((), limit=1)
    clock.pass_minutes(0.8)
    assert [item.key for item in store.search(())] == ["1"]


def test_the_store_says_how_long_items_live_and_each_put_may_say_otherwise(make, clock):
    store = make(ttl={"default_ttl": 1, "refresh_on_read": False})
    store.put(HOME, "default", {})
    store.put(HOME, "longer", {}, ttl=10)
    store.put(HOME, "ever", {}, ttl=None)
    clock.pass_minutes(0.9)
    assert len(store.search(())) == 3
    clock.pass_minutes(0.2)
    assert [item.key for item in store.search(())] == ["longer", "ever"]
    clock.pass_minutes(10)
    assert [item.key for item in store.search(())] == ["ever"]


def test_what_is_put_in_the_place_of_a_dead_item_is_a_new_one(store, clock):
    store.put(HOME, "k", {"n": 1}, ttl=1)
    made = store.get(HOME, "k").created_at
    store.put(HOME, "other", {})
    clock.pass_minutes(2)
    store.put(HOME, "k", {"n": 2})
    assert store.get(HOME, "k").created_at > made
    assert [item.key for item in store.search(())] == ["other", "k"]


def test_putting_without_a_time_takes_the_time_away(store, clock):
    store.put(HOME, "k", {}, ttl=1)
    store.put(HOME, "k", {})
    clock.pass_minutes(100)
    assert store.get(HOME, "k") is not None


def test_a_sweep_removes_the_dead_and_says_how_many(store, clock):
    store.batch([PutOp(HOME, str(n), {}, None, 1) for n in range(3)])
    store.put(HOME, "k", {})
    clock.pass_minutes(2)
    assert store.sweep_ttl() == 3
    assert store.sweep_ttl() == 0
    assert [item.key for item in store.search(())] == ["k"]


def test_the_store_sweeps_by_itself_from_time_to_time(make, clock):
    store = make(ttl={"sweep_interval_minutes": 10})
    store.put(HOME, "dead", {}, ttl=1)
    clock.pass_minutes(11)
    store.put(HOME, "k", {})
    assert store.sweep_ttl() == 0


@pytest.mark.parametrize("ttl", [0, -1, "5", True, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(store, ttl):
    with pytest.raises(StoreError, match="give minutes, more than 0"):
        store.put(HOME, "k", {}, ttl=ttl)


def test_an_option_that_does_not_exist_is_refused(make):
    with pytest.raises(StoreError, match="Did you mean 'default_ttl'"):
        make(ttl={"defaul_ttl": 1})
    with pytest.raises(StoreError, match="default_ttl=0"):
        make(ttl={"default_ttl": 0})
