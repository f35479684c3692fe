"""The tree beside the vectors of Certificate Transparency, a plain recursion, and every flipped bit."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers import merkle
from vouchers.merkle import Frontier, Tree, sha256, sm3_of_cryptography, sm3_of_hashlib

# The eight entries of the reference implementation of Certificate Transparency and the roots over the first n of them.
LEAVES = [
    bytes.fromhex(text)
    for text in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SM3_ROOT = "bc48ba7a709184b5f2a631e1adeb8dc2a0d4c018c1d6cc89b5664fe154c93b38"


def leaves(count: int, hash_: merkle.Hash = sha256) -> list[bytes]:
    return [merkle.leaf_hash(hash_, bytes([number])) for number in range(count)]


def plain_root(hash_: merkle.Hash, over: list[bytes]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    if len(over) < 2:
        return over[0] if over else hash_(b"")
    split = 1
    while split * 2 < len(over):
        split *= 2
    return hash_(b"\x01" + plain_root(hash_, over[:split]) + plain_root(hash_, over[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size):
    tree = Frontier(sha256)
    for entry in LEAVES[:size]:
        tree.append(merkle.leaf_hash(sha256, entry))

    assert tree.root().hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_hash_of_nothing():
    assert Frontier(sha256).root().hex() == hashlib.sha256().hexdigest()


@pytest.mark.parametrize("sm3", [sm3_of_hashlib, sm3_of_cryptography])
def test_sm3_is_the_standard_one_wherever_it_comes_from(sm3):
    tree = Frontier(sm3)
    for entry in LEAVES:
        tree.append(merkle.leaf_hash(sm3, entry))

    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert tree.root().hex() == SM3_ROOT


def test_an_unknown_hash_is_refused():
    with pytest.raises(merkle.UnknownHash):
        merkle.hash_named("md5")


def test_a_tree_grows_to_the_root_of_its_definition_at_every_size():
    over = leaves(70)
    tree = Frontier(sha256)

    for size, leaf in enumerate(over, start=1):
        tree.append(leaf)

        assert tree.root() == plain_root(sha256, over[:size]) == merkle.range_root(sha256, Tree(sha256, over), 0, size)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.data())
def test_every_inclusion_proof_leads_to_the_root_and_no_other_does(size, data):
    index = data.draw(st.integers(0, size - 1))
    over = leaves(size)
    tree = Tree(sha256, over)
    proof = merkle.inclusion(sha256, tree, index, size)

    def root(leaf: bytes, path: list[bytes]) -> bytes:
        return merkle.root_of_inclusion(sha256, leaf=leaf, index=index, size=size, proof=path)

    assert root(over[index], proof) == tree.frontier.root()
    assert len(proof) <= (size - 1).bit_length()
    bit = data.draw(st.integers(0, 255))
    assert root(flipped(over[index], bit), proof) != tree.frontier.root()
    for place in range(len(proof)):
        broken = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]
        assert root(over[index], broken) != tree.frontier.root()
    for wrong in [[*proof, proof[-1]] if proof else [over[0]], *([proof[:-1]] if proof else [])]:
        with pytest.raises(merkle.ProofFailed):
            root(over[index], wrong)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.data())
def test_every_consistency_proof_verifies_and_none_with_a_flipped_bit(new, data):
    old = data.draw(st.integers(1, new))
    over = leaves(new)
    tree, bit = Tree(sha256, over), data.draw(st.integers(0, 255))
    proof = merkle.consistency(sha256, tree, old, new)
    roots = {"old_root": plain_root(sha256, over[:old]), "new_root": plain_root(sha256, over)}

    def require(path: list[bytes], **other: bytes) -> None:
        merkle.require_consistent(sha256, old=old, new=new, proof=path, **(roots | other))

    require(proof)
    for name, root in roots.items():
        with pytest.raises(merkle.ProofFailed):
            require(proof, **{name: flipped(root, bit)})
    for place in range(len(proof)):
        with pytest.raises(merkle.ProofFailed):
            require([*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]])
    with pytest.raises(merkle.ProofFailed):
        require([*proof, over[0]])


def test_a_shrunken_tree_is_not_consistent():
    with pytest.raises(merkle.ProofFailed):
        merkle.require_consistent(sha256, old=3, new=2, old_root=b"", new_root=b"", proof=[])


def flipped(digest: bytes, bit: int) -> bytes:
    changed = bytearray(digest)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
