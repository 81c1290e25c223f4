"""Time the 41 pictures of a slider, with and without `still`: contours and a path of 40 steps."""

import os

import matplotlib
import numpy as np

from benchmarks.rounds import alternate, machine, table
from lib import figures
from lib.descent import gradient_descent
from lib.explore import explore

RATES = np.linspace(0.005, 0.205, 41)


def valley(axes):
    figures.contours(axes, lambda p: (p[0] ** 2 + 10 * p[1] ** 2) / 2, (-2.2, 2.2), (-1.3, 1.3))


def path(axes, rate):
    figures.path(axes, np.clip(gradient_descent(lambda p: p * [1, 10], [2.0, 1.0], rate, 40), -3, 3))


def everything(axes, rate):
    valley(axes)
    path(axes, rate)


def main():
    os.environ["DOWNHILL_BUILD"] = "1"  # so that all pictures are computed
    figures.publish = lambda *published: None  # and none shown
    words = {"caption": "A valley.", "alt": "Rate {rate}.", "rate": RATES}
    contenders = {
        "redrawing what moves": lambda: explore(path, still=valley, **words),
        "redrawing everything": lambda: explore(everything, **words),
    }
    print(machine(np, matplotlib))
    width, height = (round(side * figures.PIXELS) for side in (figures.WIDTH, figures.HEIGHT))
    print(f"{len(RATES)} pictures of {width} × {height} pixels")
    table(alternate(contenders, rounds=5), "redrawing what moves")


if __name__ == "__main__":
    main()
