"""Graphs cut by other tools: a JSON task on standard input, the part of each atom and the seconds it took on standard
output. Runs in an environment of its own that holds pymetis, kahip, k-means-constrained and ortools.

    {"method": "metis", "count": 12, "first": […], "near": […], "cost": […], "weight": […], "places": […]}
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = 100
"""Weights of borders as whole numbers: hundredths of a metre that a planner minds, and one, for none may be free."""


def metis(task: dict[str, Any]) -> list[int]:
    """METIS as it comes: minimal cut, 3 % imbalance, parts may be torn."""
    import pymetis

    borders = [int(STEPS * cost) + 1 for cost in task["cost"]]
    weights = [max(round(weight), 0) for weight in task["weight"]]
    _, parts = pymetis.part_graph(
        task["count"], xadj=task["first"], adjncy=task["near"], vweights=weights, eweights=borders
    )
    return list(parts)


def kahip(task: dict[str, Any]) -> list[int]:
    """KaHIP's kaffpa, preset strong, 10 % imbalance."""
    import kahip as tool

    borders = [int(STEPS * cost) + 1 for cost in task["cost"]]
    weights = [max(round(weight), 0) for weight in task["weight"]]
    strong = 2
    _, parts = tool.kaffpa(
        weights, task["first"], borders, task["near"], task["count"], 0.1, True, 1, strong
    )  # fmt: skip
    return list(parts)


def kmeans(task: dict[str, Any]) -> list[int]:
    """k-means with bounds on the size of clusters, on points that stand for equal shares of the weight."""
    from k_means_constrained import KMeansConstrained

    places, weight = np.array(task["places"]), np.array(task["weight"])
    unit = max(weight.sum() / task["most_points"], 1e-9)
    copies = np.rint(weight / unit).astype(int)
    points = np.repeat(places, copies, axis=0)
    each = len(points) / task["count"]
    model = KMeansConstrained(
        n_clusters=task["count"], size_min=int(each * 0.85), size_max=int(each * 1.15) + 1, random_state=1, n_init=1
    )
    label = model.fit_predict(points)
    owner = np.repeat(np.arange(len(places)), copies)
    far = ((places[:, None, :] - model.cluster_centers_[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    for atom in np.unique(owner):
        far[atom] = np.bincount(label[owner == atom]).argmax()
    return [int(part) for part in far]


def optimum(task: dict[str, Any]) -> list[int]:
    """CP-SAT on sum |weight / target - 1| + border * cost; parts that come out torn get a cut, and it solves again."""
    from ortools.sat.python import cp_model

    cuts: list[tuple[int, int, list[int]]] = []
    deadline = time.monotonic() + task["seconds"]
    while True:
        model, at = _model(cp_model, task, cuts)
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(deadline - time.monotonic(), 1.0)
        solver.parameters.num_workers = 2
        solver.parameters.random_seed = 1
        status = solver.solve(model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return []
        parts = [next(p for p in range(task["count"]) if solver.value(at[i][p])) for i in range(len(task["weight"]))]
        fresh = _torn(task, parts)
        if not fresh:
            task["optimal"] = status == cp_model.OPTIMAL
            return parts
        cuts += fresh
        if time.monotonic() > deadline:
            return []


def _model(cp_model: Any, task: dict[str, Any], cuts: list[tuple[int, int, list[int]]]) -> tuple[Any, Any]:
    scale, count = 100_000, task["count"]
    weight = [round(w) for w in task["weight"]]
    model = cp_model.CpModel()
    at = [[model.new_bool_var("") for _ in range(count)] for _ in weight]
    for i, row in enumerate(at):
        model.add_exactly_one(row)
        # The part of the first atom is 0, the next new one is 1 …: no partition is looked at twice.
        for p in range(i + 1, count):
            model.add(row[p] == 0)
    costs: list[Any] = []
    for p in range(count):
        off = model.new_int_var(0, scale * 1000, "")
        held = sum(weight[i] * at[i][p] for i in range(len(weight)))
        per = round(scale / task["target"])
        model.add(off >= held * per - round(task["target"] * per))
        model.add(off >= round(task["target"] * per) - held * per)
        model.add(held >= 1)
        costs.append(off)
    for i in range(len(weight)):
        for k in range(task["first"][i], task["first"][i + 1]):
            j = task["near"][k]
            if i < j:
                cut = model.new_bool_var("")
                for p in range(count):
                    model.add(cut >= at[i][p] - at[j][p])
                costs.append(cut * round(scale * task["border"] * task["cost"][k]))
    for i, j, around in cuts:
        for p in range(count):
            model.add(at[i][p] + at[j][p] - sum(at[v][p] for v in around) <= 1)
    model.minimize(sum(costs))
    return model, at


def _torn(task: dict[str, Any], parts: list[int]) -> list[tuple[int, int, list[int]]]:
    """For each part in pieces: one atom of a smaller piece, one of the largest, and what separates the smaller one."""
    found = []
    for p in range(task["count"]):
        pieces = _pieces(task, [i for i, part in enumerate(parts) if part == p])
        for piece in pieces[1:]:
            around = {task["near"][k] for i in piece for k in range(task["first"][i], task["first"][i + 1])} - piece
            found += [(min(piece), min(pieces[0]), sorted(around))]
    return found


def _pieces(task: dict[str, Any], atoms: list[int]) -> list[set[int]]:
    left, pieces = set(atoms), []
    while left:
        piece, edge = set(), {min(left)}
        while edge:
            i = edge.pop()
            piece.add(i)
            edge |= {
                task["near"][k] for k in range(task["first"][i], task["first"][i + 1]) if task["on_foot"][k]
            } & left - piece
        left -= piece
        pieces.append(piece)
    return sorted(pieces, key=len, reverse=True)


METHODS: dict[str, Callable[[dict[str, Any]], list[int]]] = {
    "metis": metis,
    "kahip": kahip,
    "kmeans": kmeans,
    "optimum": optimum,
}


def main() -> None:
    """Cuts what is read."""
    task = json.load(sys.stdin)
    start = time.perf_counter()
    parts = METHODS[task["method"]](task)
    took_s = time.perf_counter() - start
    json.dump({"parts": parts, "seconds": took_s, "optimal": task.get("optimal", False)}, sys.stdout)


if __name__ == "__main__":
    main()
