"""Train on Fashion-MNIST with batches of many sizes, and write what became of each run to a table.

Every run takes ten epochs of the 60,000 training images through the 784-128-128-10 ReLU network, with Adam at
its default rate, and batches of one at a tenth of it too. The table ``lib/data/batch_sizes.csv`` grows by a
line after each run; runs that are in it already are not repeated, so that an interrupted study goes on, on
the machine and with the versions that its head names. Batch size 1 takes some minutes a run.

Run ``python -m benchmarks.batch_sizes``, or name another table, the epochs and the batch sizes:
``python -m benchmarks.batch_sizes trial.csv 1 100 1000``.
"""

import csv
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.rounds import machine
from lib.datasets import fashion_mnist
from lib.layers import Dense, ReLU
from lib.losses import cross_entropy
from lib.networks import Network
from lib.optimizers import Adam
from lib.training import mean_loss, train

TABLE = Path("lib/data/batch_sizes.csv")
BATCH_SIZES = 1, 5, 10, 50, 100, 200, 300, 1000, 3000, 6000, 60000
RATE = 0.001  # Adam's default
EPOCHS = 10
SEEDS = range(3)
SIZES = 784, 128, 128, 10
COLUMNS = "batch_size", "rate", "seed", "epochs", "train_loss", "test_loss", "test_accuracy", "seconds"


def run(data, batch_size, rate, seed, epochs):
    """Return one row of the table: what a training run with this seed ends with."""
    rng = np.random.default_rng(seed)
    layers = [part for n, m in pairwise(SIZES) for part in (Dense(n, m, rng), ReLU())]
    network = Network(layers[:-1])
    inputs, test_inputs = (x.reshape(len(x), -1) for x in (data.train_inputs, data.test_inputs))
    history = train(
        network,
        inputs,
        data.train_labels,
        loss=cross_entropy,
        optimizer=Adam(rate),
        batch_size=batch_size,
        epochs=epochs,
        rng=rng,
    )
    train_loss = mean_loss(network, inputs, data.train_labels, cross_entropy)
    test_loss = mean_loss(network, test_inputs, data.test_labels, cross_entropy)
    accuracy = network.accuracy(test_inputs, data.test_labels)
    figures = f"{train_loss:.6f}", f"{test_loss:.6f}", f"{accuracy:.4f}", f"{history.seconds.sum():.2f}"
    return batch_size, rate, seed, epochs, *figures


def done(table, here):
    """Return the (batch size, rate, seed, epochs) of the runs in the table, which must be of this machine."""
    lines = table.read_text().splitlines()
    there = lines[1].removeprefix("# ").partition("; begun on ")[0]
    if there != here:
        sys.exit(f"{table} was begun on {there}, but this is {here}: remove it, or name another table")
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {tuple(float(row[name]) for name in COLUMNS[:4]) for row in rows}


def main(table=TABLE, epochs=EPOCHS, *batch_sizes):
    table, epochs, here = Path(table), int(epochs), machine(np)
    data = fashion_mnist()
    if not table.exists():
        sizes = "-".join(map(str, SIZES))
        table.write_text(
            f"# Fashion-MNIST, {sizes} ReLU network, Adam; seconds of training alone\n"
            f"# {here}; begun on {date.today()}\n{','.join(COLUMNS)}\n"
        )
    finished = done(table, here)
    kinds = [(int(size), RATE) for size in batch_sizes or BATCH_SIZES]
    kinds += [] if batch_sizes else [(1, RATE / 10)]
    # in rounds, one seed each: a machine that is slow for a while is slow for all sizes
    wanted = [(*kind, seed, epochs) for seed in SEEDS for kind in reversed(kinds)]
    for key in tqdm([key for key in wanted if key not in finished], unit="run"):
        row = run(data, *key)
        with table.open("a") as file:
            file.write(",".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
