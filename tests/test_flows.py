"""Flows and matchings against NetworkX and HiGHS, and by the proofs they bring: cuts, covers, violators."""

import ast
import math
import re
from collections import defaultdict
from itertools import combinations, pairwise, permutations, product

import networkx as nx
import numpy as np
import pytest
import scipy.optimize
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lib.flows import maximum_flow, maximum_matching

untimed = settings(deadline=None, max_examples=200)
GOLDEN = (math.sqrt(5) - 1) / 2


def networks(capacities, nodes=6, most=18):
    """Draw edges between few nodes, loops and parallels among them; 0 is the source and 1 the sink."""
    ends = st.integers(0, nodes - 1)
    edges = st.lists(st.tuples(ends, ends, capacities), max_size=most)
    return edges.map(lambda edges: [*edges, (0, 0, 1), (1, 1, 1)])


def check(edges, source, sink, result, tolerance=0.0):
    """Prove that the flow is one, that the cut is one, and that they are equal: so both are the best."""
    capacities = np.array([capacity for _, _, capacity in edges], dtype=float)
    assert result.flow.dtype == np.float64
    assert (result.flow >= 0).all()
    assert (result.flow <= capacities).all()
    surplus = defaultdict(float)
    for (tail, head, _), amount in zip(edges, result.flow, strict=True):
        surplus[tail] -= amount
        surplus[head] += amount
    tolerance *= 1 + result.value
    assert abs(surplus.pop(sink) - result.value) <= tolerance
    assert abs(surplus.pop(source) + result.value) <= tolerance
    assert all(abs(rest) <= tolerance for rest in surplus.values())

    side = result.source_side
    assert source in side
    assert sink not in side
    leaving = [e for e, (tail, head, _) in enumerate(edges) if tail in side and head not in side]
    entering = [e for e, (tail, head, _) in enumerate(edges) if tail not in side and head in side]
    assert result.cut == leaving
    assert abs(capacities[leaving].sum() - result.value) <= tolerance
    assert (np.abs(result.flow[leaving] - capacities[leaving]) <= tolerance).all()
    assert (result.flow[entering] <= tolerance).all()

    nodes = {node for tail, head, _ in edges for node in (tail, head)}
    assert len(result.augmentations) <= len(nodes) * len(edges)
    total = 0.0
    for step in result.augmentations:
        assert step.nodes[0] == source
        assert step.nodes[-1] == sink
        assert step.amount > 0
        total += step.amount
        assert step.value == total
    assert result.value == total
    lengths = [len(step.nodes) for step in result.augmentations]
    assert lengths == sorted(lengths), "shortest paths never grow shorter"


def merged(edges):
    """The network of NetworkX, which has one edge from a node to another."""
    graph = nx.DiGraph()
    graph.add_nodes_from(node for tail, head, _ in edges for node in (tail, head))
    for tail, head, capacity in edges:
        if tail != head:
            before = graph.get_edge_data(tail, head, {"capacity": 0})["capacity"]
            graph.add_edge(tail, head, capacity=before + capacity)
    return graph


@given(edges=networks(st.integers(0, 7)))
@untimed
def test_whole_capacities_give_whole_flows_and_the_value_of_networkx(edges):
    result = maximum_flow(edges, 0, 1)
    check(edges, 0, 1, result)
    assert_array_equal(result.flow, result.flow.round())
    assert (
        result.value
        == nx.maximum_flow_value(merged(edges), 0, 1)
        == nx.minimum_cut_value(merged(edges), 0, 1)
    )


@given(edges=networks(st.integers(0, 2**47)))
@untimed
def test_large_whole_capacities_are_exact(edges):
    result = maximum_flow(edges, 0, 1)
    check(edges, 0, 1, result)
    assert result.value == nx.maximum_flow_value(merged(edges), 0, 1)


@given(edges=networks(st.floats(0, 1e6) | st.sampled_from([0.1, 0.2, 0.3, GOLDEN, 1e-300])))
@untimed
def test_any_capacities_end_and_obey_the_bounds_exactly(edges):
    result = maximum_flow(edges, 0, 1)
    check(edges, 0, 1, result, tolerance=1e-13)
    program = np.array([[(node == head) - (node == tail) for tail, head, _ in edges] for node in range(6)])
    peer = scipy.optimize.linprog(
        -program[1], A_eq=program[2:], b_eq=np.zeros(4), bounds=[(0, capacity) for *_, capacity in edges]
    )
    assert result.value == pytest.approx(-peer.fun, rel=1e-9, abs=1e-6)


def test_rounding_does_not_push_a_flow_over_its_capacity():
    edges = [("s", "a", 0.983), ("a", "t", 0.29), ("a", "b", 5), ("b", "t", 5)]
    assert 0.29 + (0.983 - 0.29) > 0.983
    check(edges, "s", "t", maximum_flow(edges, "s", "t"), tolerance=1e-15)


@given(edges=networks(st.integers(0, 7)))
@untimed
def test_no_flow_runs_in_circles_of_one_or_two_or_back_to_the_source(edges):
    flow = maximum_flow(edges, 0, 1).flow
    between = defaultdict(float)
    for (tail, head, _), amount in zip(edges, flow, strict=True):
        between[tail, head] += amount
        assert amount == 0 or (tail != head and head != 0 and tail != 1)
    assert all(amount == 0 or between.get((head, tail), 0) == 0 for (tail, head), amount in between.items())


def test_what_ran_one_way_is_taken_back_before_the_other_way_is_used():
    edges = [("s", "b", 1), ("s", "a", 1), ("c", "b", 1), ("a", "c", 1), ("b", "c", 1), ("c", "t", 1)]
    edges += [("b", "d", 1), ("d", "e", 1), ("e", "t", 1)]
    result = maximum_flow(edges, "s", "t")
    assert result.augmentations[1].nodes == ("s", "a", "c", "b", "d", "e", "t")
    assert_array_equal(result.flow, [1, 1, 0, 1, 0, 1, 1, 1, 1])


@given(data=st.data(), nodes=st.integers(2, 7))
@untimed
def test_each_path_is_shortest_and_filled(data, nodes):
    ends = [pair for pair in combinations(range(nodes), 2) if data.draw(st.booleans()) or pair == (0, 1)]
    edges = [
        (*(pair if data.draw(st.booleans()) else pair[::-1]), data.draw(st.integers(0, 5))) for pair in ends
    ]
    result = maximum_flow(edges, 0, 1)
    room = {(tail, head): capacity for tail, head, capacity in edges}
    room |= {(head, tail): 0 for tail, head, _ in edges}
    for step in result.augmentations:
        graph = nx.DiGraph([ends for ends, left in room.items() if left > 0])
        assert len(step.nodes) - 1 == nx.shortest_path_length(graph, 0, 1)
        path = list(pairwise(step.nodes))
        assert step.amount == min(room[ends] for ends in path)
        for tail, head in path:
            room[tail, head] -= step.amount
            room[head, tail] += step.amount
    assert_array_equal(result.flow, [room[head, tail] for tail, head, _ in edges])
    graph = nx.DiGraph([ends for ends, left in room.items() if left > 0])
    graph.add_node(0)
    assert result.source_side == {0} | nx.descendants(graph, 0)


def test_shortest_paths_end_where_others_go_on_for_ever():
    # U. Zwick's network (Theoretical Computer Science 148, 1995): paths chosen badly add 1, then ever smaller
    # powers of the golden section r, and approach 3 + 2r, far below the maximum of 9.
    edges = [("b", "a", 1), ("d", "c", GOLDEN), ("b", "c", 1)]
    edges += [("s", node, 4) for node in "abd"] + [(node, "t", 4) for node in "acd"]
    result = maximum_flow(edges, "s", "t")
    check(edges, "s", "t", result, tolerance=1e-15)
    assert result.value == 9
    assert len(result.augmentations) == 3


def test_the_number_of_paths_does_not_grow_with_the_capacities():
    edges = [("s", "a", 10**6), ("s", "b", 10**6), ("a", "b", 1), ("a", "t", 10**6), ("b", "t", 10**6)]
    result = maximum_flow(edges, "s", "t")
    assert [step.nodes for step in result.augmentations] == [("s", "a", "t"), ("s", "b", "t")]
    assert_array_equal(result.flow, [10**6, 10**6, 0, 10**6, 10**6])


@given(edges=networks(st.integers(0, 7) | st.just(math.inf), nodes=5, most=12))
@untimed
def test_unlimited_edges_carry_what_the_others_allow(edges):
    limitless = nx.DiGraph([(tail, head) for tail, head, capacity in edges if capacity == math.inf])
    limitless.add_nodes_from((0, 1))
    if nx.has_path(limitless, 0, 1):
        with pytest.raises(ValueError, match="flow must have a finite value") as failure:
            maximum_flow(edges, 0, 1)
        path = ast.literal_eval(re.search(r"path (\(.*\)) has room for inf", str(failure.value)).group(1))
        assert path[0] == 0
        assert path[-1] == 1
        assert all(limitless.has_edge(*ends) for ends in pairwise(path))
    else:
        check(edges, 0, 1, maximum_flow(edges, 0, 1))


def test_a_value_beyond_the_floating_point_numbers_is_an_error():
    edges = [("s", "t", 1.5e308), ("s", "t", 1.5e308)]
    with pytest.raises(ValueError, match=re.escape("path ('s', 't') has room for 1.5e+308")):
        maximum_flow(edges, "s", "t")


@given(edges=networks(st.integers(0, 7)), seed=st.integers(0, 2**32 - 1))
@untimed
def test_names_and_order_change_nothing_that_matters(edges, seed):
    names = [None, "one", (2, "two"), 3.5, frozenset({4}), math.nan]
    order = np.random.default_rng(seed).permutation(len(edges))
    renamed = [(names[edges[e][0]], names[edges[e][1]], np.int64(edges[e][2])) for e in order]
    kept = list(renamed)
    plain, result = maximum_flow(edges, 0, 1), maximum_flow(iter(renamed), None, "one")
    check(kept, None, "one", result)
    assert result.value == plain.value
    # Of all minimum cuts it is the one next to the source, and that one is unique.
    assert result.source_side == {names[node] for node in plain.source_side}


def test_a_sink_out_of_reach_gets_nothing():
    result = maximum_flow([("s", "a", 3), ("t", "a", 2), ("t", "s", 1), ("a", "t", 0)], "s", "t")
    assert result.value == 0
    assert not result.flow.any()
    assert result.source_side == {"s", "a"}
    assert result.cut == [3]
    assert result.augmentations == []


def judge(pairs, result):
    """Prove that the matching is one, the cover is one, of the same size, and the violator one if needed."""
    lefts = {left for left, _ in pairs}
    assert all((left, right) in pairs for left, right in result.pairs.items())
    assert len(set(result.pairs.values())) == len(result.pairs)
    left_cover, right_cover = result.cover
    assert left_cover <= lefts
    assert right_cover <= {right for _, right in pairs}
    assert all(left in left_cover or right in right_cover for left, right in pairs)
    assert len(left_cover) + len(right_cover) == len(result.pairs)
    if len(result.pairs) == len(lefts):
        assert result.violator is None
    else:
        assert result.violator <= lefts
        assert len({right for left, right in pairs if left in result.violator}) < len(result.violator)


@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
@example(pairs=[(0, 0), (0, 0)])
@untimed
def test_matchings_are_as_large_as_those_of_networkx(pairs):
    result = maximum_matching(pairs)
    judge(pairs, result)
    graph = nx.Graph([(("left", left), ("right", right)) for left, right in pairs])
    peer = nx.bipartite.hopcroft_karp_matching(graph, [node for node in graph if node[0] == "left"])
    assert len(result.pairs) == len(peer) // 2


def test_every_table_of_three_by_three():
    for allowed in product([False, True], repeat=9):
        pairs = [pair for pair, yes in zip(product("abc", "abc"), allowed, strict=True) if yes]
        if not pairs:
            continue
        result = maximum_matching(pairs)
        judge(pairs, result)
        best = max(
            sum(pair in pairs for pair in zip("abc", partners, strict=True))
            for partners in permutations("abc")
        )
        assert len(result.pairs) == best


def test_a_node_named_like_the_source_is_no_source():
    pairs = [("source", "sink"), ("sink", "source"), ("source", "source")]
    result = maximum_matching(pairs)
    judge(pairs, result)
    assert result.pairs == {"source": "sink", "sink": "source"}


@pytest.mark.parametrize(
    ("edges", "source", "sink", "error", "message"),
    [
        ([], "s", "t", ValueError, "edges must not be empty"),
        (
            [("s", "t")],
            "s",
            "t",
            ValueError,
            "edges[0] must be (tail, head, capacity), got ('s', 't')",
        ),
        ([("s", "t", 1), 7], "s", "t", ValueError, "edges[1] must be (tail, head, capacity), got 7"),
        ([("s", "t", -1)], "s", "t", ValueError, "the capacity of edges[0] must be finite and >= 0, got -1"),
        (
            [("s", "t", 1), ("s", "t", math.nan)],
            "s",
            "t",
            ValueError,
            "edges[1] must be finite and >= 0, got nan",
        ),
        ([("s", "t", -math.inf)], "s", "t", ValueError, "the capacity of edges[0] must be finite and >= 0"),
        ([("s", "t", "1")], "s", "t", TypeError, "the capacity of edges[0] must be a real number, got '1'"),
        ([("s", "t", True)], "s", "t", TypeError, "the capacity of edges[0] must be a real number, got True"),
        ([("s", ["t"], 1)], "s", "t", TypeError, "the head of edges[0] must be hashable"),
        ([(("s", []), "t", 1)], "s", "t", TypeError, "the tail of edges[0] must be hashable"),
        ([("s", "t", 1)], "s", "s", ValueError, "source and sink must differ, got 's' for both"),
        ([("s", "t", 1)], "x", "t", ValueError, "source must be an end of some edge, got 'x'"),
        ([("s", "t", 1)], "s", "x", ValueError, "sink must be an end of some edge, got 'x'"),
        ([("s", "t", 1)], "s", ["t"], TypeError, "sink must be hashable"),
    ],
)
def test_bad_networks_are_named(edges, source, sink, error, message):
    with pytest.raises(error, match=re.escape(message)):
        maximum_flow(edges, source, sink)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([], ValueError, "pairs must not be empty"),
        ([("a", "b", 1)], ValueError, "pairs[0] must be (left, right), got ('a', 'b', 1)"),
        ([("a", "b"), None], ValueError, "pairs[1] must be (left, right), got None"),
        ([("a", {"b"})], TypeError, "the right of pairs[0] must be hashable"),
    ],
)
def test_bad_pairs_are_named(pairs, error, message):
    with pytest.raises(error, match=re.escape(message)):
        maximum_matching(pairs)
