"""The tree against the vectors of RFC 6962's reference code, and every size and pair up to 70."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    Tree,
    check_consistency,
    leaf_hash,
    root_from_inclusion,
)

# certificate-transparency, cpp/merkletree/merkle_tree_test.cc: inputs, roots of the first 1 to 8, proofs.
ENTRIES = [
    b"",
    *map(
        bytes.fromhex, ["00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    ),
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
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = {  # (position, size): proof
    (0, 1): [],
    (0, 8): [A, B, C],
    (5, 8): [D, E, ROOTS[3]],
    (2, 3): [ROOTS[1]],
    (1, 5): [ROOTS[0], B, D],
}
CONSISTENCY = {(1, 1): [], (1, 8): [A, B, C], (6, 8): [F, E, ROOTS[3]], (2, 5): [B, D]}


def tree_of(entries: list[bytes]) -> Tree:
    return Tree(map(leaf_hash, entries))


def numbered(size: int) -> Tree:
    return tree_of([number.to_bytes(2, "big") for number in range(size)])


def test_the_roots_are_those_of_the_reference() -> None:
    tree = tree_of(ENTRIES)
    assert [tree.root(size).hex() for size in range(1, 9)] == ROOTS
    assert tree.root(0) == EMPTY_ROOT == Tree().root()
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing


@pytest.mark.parametrize("case", INCLUSION)
def test_proofs_of_inclusion_are_those_of_the_reference(case: tuple[int, int]) -> None:
    assert [one.hex() for one in tree_of(ENTRIES).inclusion(*case)] == INCLUSION[case]


@pytest.mark.parametrize("case", CONSISTENCY)
def test_proofs_of_consistency_are_those_of_the_reference(case: tuple[int, int]) -> None:
    assert [one.hex() for one in tree_of(ENTRIES).consistency(*case)] == CONSISTENCY[case]


def test_every_leaf_of_every_tree_up_to_70_is_proved_and_no_other_place_of_it() -> None:
    tree = numbered(70)
    for size in range(1, 71):
        root = tree.root(size)
        for position in range(size):
            proof = tree.inclusion(position, size)
            leaf = tree.leaf(position)
            assert root_from_inclusion(position, size, leaf, proof) == root
            for other in range(size):
                if other != position and (len(proof) == len(tree.inclusion(other, size))):
                    assert root_from_inclusion(other, size, leaf, proof) != root


def test_every_pair_of_trees_up_to_70_is_consistent_and_with_no_other_root() -> None:
    tree = numbered(70)
    for new in range(1, 71):
        for old in range(1, new + 1):
            proof = tree.consistency(old, new)
            check_consistency(old, new, tree.root(old), tree.root(new), proof)
            for wrong in ((leaf_hash(b"x"), tree.root(new)), (tree.root(old), leaf_hash(b"x"))):
                with pytest.raises(ProofError):
                    check_consistency(old, new, *wrong, proof)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_proof_that_is_changed_anywhere_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    tree = numbered(size)
    position = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion(position)
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    bad = [*proof[:at], changed, *proof[at + 1 :]]
    assert root_from_inclusion(position, size, tree.leaf(position), bad) != tree.root()
    for wrong in (proof[:-1], [*proof, proof[0]], [proof[0][:31], *proof[1:]], [*proof[:-1], b""]):
        with pytest.raises(ProofError):
            root_from_inclusion(position, size, tree.leaf(position), wrong)
    old = data.draw(st.integers(1, size - 1))
    between = tree.consistency(old)
    at = data.draw(st.integers(0, len(between) - 1))
    changed = (int.from_bytes(between[at], "big") ^ 1 << bit).to_bytes(32, "big")
    for wrong in ([*between[:at], changed, *between[at + 1 :]], between[:-1], [*between, changed], [b"", *between[1:]]):
        with pytest.raises(ProofError):
            check_consistency(old, size, tree.root(old), tree.root(), wrong)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 90), max_size=12))
def test_a_frontier_grows_in_any_steps_to_the_root_of_the_whole(steps: list[int]) -> None:
    hashes = [leaf_hash(number.to_bytes(2, "big")) for number in range(sum(steps))]
    frontier, at = Frontier(), 0
    for step in steps:
        frontier = frontier.extended(hashes[at : at + step])
        at += step
        assert frontier == Frontier.read(frontier.size, frontier.text())
    assert (frontier.size, frontier.root) == (len(hashes), Tree(hashes).root())


def test_a_tree_grows_in_any_steps_to_the_same_roots() -> None:
    whole, chance, grown = numbered(700), random.Random(1), Tree()
    while len(grown) < 700:
        step = min(chance.randint(1, 90), 700 - len(grown))
        grown.extend(whole.leaf(len(grown) + number) for number in range(step))
        assert grown.root() == whole.root(len(grown))
    assert grown.levels == whole.levels


@pytest.mark.parametrize(("size", "text"), [(1, ""), (2, "00" * 64), (1, "00" * 31), (1, "0g" * 32), (-1, "")])
def test_a_frontier_that_does_not_fit_its_size_is_refused(size: int, text: str) -> None:
    with pytest.raises(ProofError):
        Frontier.read(size, text)


def test_what_is_outside_the_tree_is_refused() -> None:
    tree = numbered(5)
    for call in (
        lambda: tree.inclusion(5),
        lambda: tree.inclusion(-1),
        lambda: tree.inclusion(0, 6),
        lambda: tree.root(6),
        lambda: tree.leaf(5),
        lambda: tree.leaf(-1),
        lambda: tree.consistency(0),
        lambda: tree.consistency(4, 3),
        lambda: tree.consistency(2, 6),
        lambda: root_from_inclusion(5, 5, tree.leaf(0), []),
        lambda: root_from_inclusion(-1, 5, tree.leaf(0), []),
        lambda: check_consistency(0, 5, EMPTY_ROOT, tree.root(), []),
        lambda: check_consistency(5, 4, tree.root(), tree.root(4), []),
        lambda: check_consistency(5, 5, tree.root(), tree.root(), [tree.leaf(0)]),
        lambda: check_consistency(5, 5, tree.root(), tree.root(4), []),
        lambda: check_consistency(3, 5, tree.root(3), tree.root(), []),
    ):
        with pytest.raises(ProofError):
            call()
