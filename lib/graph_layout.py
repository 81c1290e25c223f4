"""A layered layout of a small directed graph: columns from left to right, with few crossings.

Every node gets a column, every edge a place in the columns that it passes, and the columns are sorted by
their neighbours. The plan is that of K. Sugiyama, S. Tagawa and M. Toda, "Methods for Visual Understanding of
Hierarchical System Structures", IEEE Transactions on Systems, Man, and Cybernetics 11(2), 1981, 109–125.
"""

from collections import defaultdict
from itertools import combinations, pairwise
from statistics import fmean


def layers(nodes):
    """Assign nodes to columns, each behind all its parents, and order every column so that few edges cross.

    An edge that passes columns by leaves a key in each, to keep a place there.

    Returns
    -------
    columns : list of lists of keys
    chains : dict
        For each (parent, node) the keys from one to the other.
    """
    column = {}
    for node in nodes:
        column[node] = 1 + max((column[parent] for parent in node.parents), default=-1)
    for node in reversed(nodes):  # inputs stand just before they are needed
        if not node.edges:
            column[node] = min((column[n] for n in nodes if node in n.parents), default=1) - 1
    columns = [[node for node in nodes if column[node] == k] for k in range(max(column.values()) + 1)]
    chains = {}
    for node in nodes:
        for parent in node.parents:
            between = [(parent, node, k) for k in range(column[parent] + 1, column[node])]
            for key in between:
                columns[key[2]].append(key)
            chains[parent, node] = [parent, *between, node]
    links = [pairwise(chain) for chain in chains.values()]
    links = [link for chain in links for link in chain]
    best = columns
    for sweep in range(12):
        columns = _reordered(columns, links, backward=sweep % 2 == 1)
        if _crossings(columns, links) < _crossings(best, links):
            best = columns
    return best, chains


def _reordered(columns, links, backward):
    """Sort each column by the mean place of the neighbours in the column before, or behind."""
    near = defaultdict(list)
    for left, right in links:
        near[left if backward else right].append(right if backward else left)
    columns = columns[::-1] if backward else columns
    rank, result = {}, []
    for column in columns:
        rank |= {key: k - (len(column) - 1) / 2 for k, key in enumerate(column)}
        rank |= {key: fmean(rank[other] for other in near[key]) for key in column if near[key]}
        ordered = sorted(column, key=rank.get)
        rank |= {key: k - (len(column) - 1) / 2 for k, key in enumerate(ordered)}
        result.append(ordered)
    return result[::-1] if backward else result


def _crossings(columns, links):
    rank = {key: k for column in columns for k, key in enumerate(column)}
    place = {key: k for k, column in enumerate(columns) for key in column}
    return sum(
        place[a] == place[c] and (rank[a] - rank[c]) * (rank[b] - rank[d]) < 0
        for (a, b), (c, d) in combinations(links, 2)
    )
