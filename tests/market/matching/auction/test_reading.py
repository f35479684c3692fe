"""Whatever is wrong with an instance is said in one sentence."""

import numpy as np
import pytest

from market.matching.auction.instance import BadInput
from market.matching.auction.reading import instance_of, read, read_prices
from tests.market.matching.auction.auctions import auction, offer, request


def arrays():
    return auction([offer(2), offer(3)], [request(500, (1,), seq=4), request(400, (1,), seq=2)])


BIG = 2**61


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("cap", None, "the array cap is missing"),
        ("req_home", None, "the array req_home is missing"),
        ("offer_ask", None, "the array offer_ask is missing"),
        ("cap", np.zeros(6, dtype=np.int32), "cap has 1 axes: 2 were expected"),
        ("cap", np.zeros((2, 0), dtype=np.int32), "cap covers 0 hours: 1 to 100000 were expected"),
        ("cap", -np.ones((2, 6), dtype=np.int32), "cap[0, 0] is negative"),
        ("cap", np.zeros((3, 6), dtype=np.int32), "offer_class has the shape (2,): (3,) was expected"),
        ("req_value", np.array([1.0, 2.0]), "req_value holds float64: integers were expected"),
        ("req_value", np.array([np.nan, 2.0]), "req_value holds float64: integers were expected"),
        ("req_value", np.array([1, -2]), "req_value[1] is negative"),
        ("req_value", np.array([BIG, BIG]), "req_value is too large: all hours together are worth 4.61e+18"),
        ("req_value", np.array([2**63, 0], dtype=np.uint64), "req_value holds a number that is too large"),
        ("offer_ask", np.array([BIG, 5]), "offer_ask is too large: one request could cost 1.38e+19"),
        ("offer_ask", np.array([-1, 5]), "offer_ask[0, 0] is negative"),
        ("offer_class", np.array([0, 7]), "offer_class[1] is no class: there are 1"),
        ("offer_region", np.array([0, 2]), "offer_region[1] is no region: there are 2"),
        ("req_home", np.array([-1, 0]), "req_home[0] is no region: there are 2"),
        ("ring", np.zeros((2, 3), dtype=np.int32), "ring has the shape (2, 3): (2, 2) was expected"),
        ("req_count", np.array([[1], [-1]]), "req_count[1, 0] is negative"),
        ("req_count", np.array([[1], [2**31]]), "req_count holds a number that is too large: the most is 2147483647"),
        ("req_hours", np.array([1, 0]), "req_hours[1] is less than one hour"),
        ("req_start_min", np.array([-1, 0]), "req_start_min[0] is before the first hour"),
        ("req_start_max", np.array([-1, 3]), "req_start_max[0] is before req_start_min"),
        ("req_seq", np.array([3, 3]), "req_seq holds 3 more than once"),
        ("req_age", np.array([0, -1]), "req_age[1] is negative"),
        ("req_small", np.array([1]), "req_small has the shape (1,): (2,) was expected"),
    ],
)
def test_an_instance_that_makes_no_sense_is_refused(name, value, sentence):
    given = {key: array for key, array in (arrays() | {name: value}).items() if array is not None}

    with pytest.raises(BadInput) as refusal:
        instance_of(given)

    assert sentence in str(refusal.value)


def test_requests_are_sorted_by_their_sequence_numbers_and_remember_their_rows():
    instance = instance_of(arrays())

    assert instance.sequence.tolist() == [2, 4]
    assert instance.value.tolist() == [400, 500]
    assert instance.row.tolist() == [1, 0]


def test_the_digest_names_the_content_and_not_the_order_of_the_rows():
    given = arrays()
    swapped = {name: array[::-1] if name.startswith("req_") else array for name, array in given.items()}
    other = given | {"req_value": given["req_value"] + 1}

    assert instance_of(given).sha256() == instance_of(swapped).sha256()
    assert instance_of(given).sha256() != instance_of(other).sha256()
    assert instance_of(given).sha256() != instance_of(given).sha256("reserve 5")


def test_files_that_are_no_archives_are_refused(tmp_path):
    text, single = tmp_path / "text.npz", tmp_path / "single.npz"
    text.write_text("not an archive")
    with single.open("wb") as file:
        np.save(file, np.zeros(3))
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, cap=np.array([object()], dtype=object))

    for path in (text, single, pickled):
        with pytest.raises(BadInput, match="it is not a readable npz file"):
            read(path)
    with pytest.raises(BadInput, match="No such file or directory"):
        read(tmp_path / "absent.npz")


def test_prices_are_read_back_and_nonsense_is_refused(tmp_path):
    path = tmp_path / "prices.npz"
    np.savez(path, price=np.array([[[1, 2]]], dtype=np.int64))
    assert read_prices(path).tolist() == [[[1, 2]]]

    np.savez(path, price=np.array([[[1, -2]]], dtype=np.int64))
    with pytest.raises(BadInput, match=r"price\[0, 0, 1\] is negative or too large"):
        read_prices(path)

    np.savez(path, price=np.array([1.5]))
    with pytest.raises(BadInput, match="holds no prices"):
        read_prices(path)
