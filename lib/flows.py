"""Maximum flows, minimum cuts and matchings: each answer comes with the proof that no other is better.

A network is a list of edges ``(tail, head, capacity)``. Its nodes are the ends of its edges: numbers, names,
anything that can be the key of a dict.
"""

import math
from collections import deque
from numbers import Real
from typing import NamedTuple

import numpy as np

from lib.arguments import real


class Augmentation(NamedTuple):
    """One step of :func:`maximum_flow`.

    Attributes
    ----------
    nodes : tuple
        The path from source to sink along which flow was added. Where it runs against an edge it takes back
        flow that an earlier step had sent.
    amount : float
        How much was added: as much as the path had room for.
    value : float
        The value of the flow after it.
    """

    nodes: tuple
    amount: float
    value: float


class Flow(NamedTuple):
    """A maximum flow and a minimum cut, from :func:`maximum_flow`.

    Attributes
    ----------
    value : float
        What leaves the source, arrives at the sink and fills the cut.
    flow : ndarray, shape (edges,)
        The flow on each edge, between 0 and its capacity. What comes into a node leaves it, except at source
        and sink.
    source_side : frozenset
        The nodes that more flow could still reach: the source is one, the sink is not.
    cut : list of int
        The indices of the edges that leave `source_side`. Each is full, and their capacities add up to the
        value.
    augmentations : list of Augmentation
        The paths that built the flow, in order.
    """

    value: float
    flow: np.ndarray
    source_side: frozenset
    cut: list
    augmentations: list


class Matching(NamedTuple):
    """A largest matching, a smallest cover, and what stood in the way, from :func:`maximum_matching`.

    Attributes
    ----------
    pairs : dict
        The partner on the right of each left node that has one.
    cover : tuple of two frozensets
        Left nodes and right nodes, as many as there are matched pairs, such that every allowed pair has an
        end among them. No matching can be larger than a cover: each of its pairs needs a member of its own.
    violator : frozenset or None
        If a left node stayed alone: left nodes that have, together, fewer partners than they are. Else None.
    """

    pairs: dict
    cover: tuple
    violator: frozenset | None


def maximum_flow(edges, source, sink):
    """Send as much as possible from the source to the sink, along shortest augmenting paths.

    As long as there is a path on which every edge has room, take one with the fewest edges and fill it. An
    edge may be used backwards: its room is then the flow on it, and filling it takes flow back. When no path
    is left, the nodes that can still be reached are one side of a cut with no room at all.

    Because the paths are shortest, at most (number of nodes) × (number of edges) of them are needed, whatever
    the capacities are. Other choices may need as many as the value of the flow, and with irrational
    capacities go on for ever. Capacities that are whole numbers, with a sum below 2⁵³, are added and
    subtracted exactly: then so is the flow, and it is whole.

    Parameters
    ----------
    edges : list of tuple
        Each edge as (tail, head, capacity), the capacity at least 0; ``math.inf`` sets no limit. There may be
        several edges between two nodes, in either direction.
    source, sink : hashable
        The nodes where flow enters and leaves the network.

    Returns
    -------
    Flow
        The value, the flow on each edge, the cut that proves it largest, and the paths.

    Raises
    ------
    TypeError, ValueError
        If an edge is not of the described kind, a capacity is negative or NaN, source and sink are the same
        node, or one of them is the end of no edge.
    ValueError
        If the value is not finite: the message names a path without limit.

    References
    ----------
    L. R. Ford and D. R. Fulkerson, "Maximal Flow through a Network", Canadian Journal of Mathematics 8, 1956,
    399–404. Shortest paths: J. Edmonds and R. M. Karp, "Theoretical Improvements in Algorithmic Efficiency
    for Network Flow Problems", Journal of the ACM 19(2), 1972, 248–264.

    Examples
    --------
    The second path takes back what the first had sent from b to c:

    >>> edges = [("s", "b", 1), ("s", "a", 1), ("a", "c", 1), ("b", "c", 1), ("c", "t", 1)]
    >>> result = maximum_flow([*edges, ("b", "d", 1), ("d", "e", 1), ("e", "t", 1)], "s", "t")
    >>> [step.nodes for step in result.augmentations]
    [('s', 'b', 'c', 't'), ('s', 'a', 'c', 'b', 'd', 'e', 't')]
    >>> result.flow
    array([1., 1., 1., 0., 1., 1., 1., 1.])
    """
    edges = _tuples("edges", edges, ("tail", "head", "capacity"))
    edges = [(tail, head, _capacity(e, capacity)) for e, (tail, head, capacity) in enumerate(edges)]
    # Edge e gives two arcs: 2e runs along it and 2e + 1 back, so that arc ^ 1 is the opposite of an arc.
    # Those that take back come first: so flow never runs between two nodes in both directions.
    ends, room, leaving = [], [], {node: [] for tail, head, _ in edges for node in (tail, head)}
    for e, (tail, head, capacity) in enumerate(edges):
        ends += [head, tail]
        room += [capacity, 0.0]
        leaving[tail].append(2 * e)
        leaving[head].insert(0, 2 * e + 1)
    _check_terminals(source, sink, leaving)

    value, augmentations = 0.0, []
    # Between two fillings of the same arc the distance from the source to its end has grown by two at least.
    # So each of the 2 |E| arcs is filled at most |V| / 2 times, and every path fills one.
    while sink in (arrival := _search(source, leaving, ends, room)):
        path = _path_to(sink, arrival, ends)
        nodes = (source, *(ends[arc] for arc in path))
        amount = min(room[arc] for arc in path)
        value += amount
        if math.isinf(value):
            raise ValueError(f"the flow must have a finite value, but the path {nodes} has room for {amount}")
        for arc in path:
            room[arc] -= amount
            room[arc ^ 1] += amount
        augmentations.append(Augmentation(nodes, amount, value))

    # The room to go back is the flow; rounding, if any, may have left it an ulp above the capacity.
    flow = np.minimum(room[1::2], [capacity for _, _, capacity in edges])
    cut = [e for e, (tail, head, _) in enumerate(edges) if tail in arrival and head not in arrival]
    return Flow(value, flow, frozenset(arrival), cut, augmentations)


def maximum_matching(pairs):
    """Match as many left nodes as possible with a right node each, every right node at most once.

    It is a maximum flow: one unit from the source to each left node, from there along the allowed pairs, and
    one unit from each right node to the sink. No minimum cut can go through the pairs, whose capacity is
    unlimited, so it goes through nodes, and those cover all pairs: the theorem of Kőnig. If a left node stays
    alone, the left nodes on the source's side have all their partners there as well, and these are fewer:
    Hall's condition fails.

    Parameters
    ----------
    pairs : list of tuple
        The allowed pairs (left, right). Left and right nodes are told apart by their place in the pair; the
        same name may stand on both sides. A node without a pair is not part of the problem.

    Returns
    -------
    Matching
        The matched pairs, a smallest cover, and left nodes that prove that not all of them can be matched.

    Raises
    ------
    TypeError, ValueError
        If `pairs` is empty or not of the described kind.

    References
    ----------
    D. Kőnig, "Gráfok és mátrixok", Matematikai és Fizikai Lapok 38, 1931, 116–119. P. Hall, "On
    Representatives of Subsets", Journal of the London Mathematical Society 10, 1935, 26–30.

    Examples
    --------
    Ann and Bo can do one task only, and it is the same:

    >>> result = maximum_matching([("Ann", "cook"), ("Bo", "cook"), ("Cy", "cook"), ("Cy", "wash")])
    >>> result.pairs
    {'Ann': 'cook', 'Cy': 'wash'}
    >>> sorted(result.violator)
    ['Ann', 'Bo']
    """
    pairs = _tuples("pairs", pairs, ("left", "right"))
    lefts, rights = (dict.fromkeys(side) for side in zip(*pairs, strict=True))
    allowed = [(("left", left), ("right", right), math.inf) for left, right in pairs]
    entries = [("source", ("left", left), 1) for left in lefts]
    exits = [(("right", right), "sink", 1) for right in rights]
    found = maximum_flow(allowed + entries + exits, "source", "sink")

    matched = {left: right for (left, right), amount in zip(pairs, found.flow, strict=False) if amount > 0}
    reached_lefts = frozenset(left for left in lefts if ("left", left) in found.source_side)
    reached_rights = frozenset(right for right in rights if ("right", right) in found.source_side)
    return Matching(matched, (frozenset(lefts) - reached_lefts, reached_rights), reached_lefts or None)


def _search(source, leaving, ends, room):
    """Go along arcs with room as far as one can, nearest nodes first; return the arc that reached each."""
    arrival, queue = {source: None}, deque([source])
    while queue:
        for arc in leaving[queue.popleft()]:
            if room[arc] > 0 and ends[arc] not in arrival:
                arrival[ends[arc]] = arc
                queue.append(ends[arc])
    return arrival


def _path_to(node, arrival, ends):
    """Return the arcs that led to a node, from the start of the search on."""
    path = []
    while (arc := arrival[node]) is not None:
        path.append(arc)
        node = ends[arc ^ 1]
    return path[::-1]


def _tuples(name, rows, columns):
    """Return the edges or pairs as a list of tuples, if they have the right length and hashable nodes."""
    rows = list(rows)
    if not rows:
        raise ValueError(f"{name} must not be empty")
    for k, row in enumerate(rows):
        try:
            rows[k] = tuple(row)
        except TypeError:
            rows[k] = ()
        if len(rows[k]) != len(columns):
            raise ValueError(f"{name}[{k}] must be ({', '.join(columns)}), got {row!r}")
        for column, node in zip(columns[:2], rows[k], strict=False):
            _check_hashable(f"the {column} of {name}[{k}]", node)
    return rows


def _capacity(e, value):
    if isinstance(value, Real) and value == math.inf:
        return math.inf
    return real(f"the capacity of edges[{e}]", value, least=0)


def _check_terminals(source, sink, nodes):
    for name, node in (("source", source), ("sink", sink)):
        _check_hashable(name, node)
        if node not in nodes:
            raise ValueError(f"{name} must be an end of some edge, got {node!r}")
    if source == sink:
        raise ValueError(f"source and sink must differ, got {source!r} for both")


def _check_hashable(name, node):
    try:
        hash(node)
    except TypeError as error:
        raise TypeError(f"{name} must be hashable, as the keys of a dict are, got {node!r}") from error
