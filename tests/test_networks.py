"""Networks: one flat array, whole gradients, predictions, and files that hold exactly what was saved."""

import copy
import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lib.calculus import gradient_error
from lib.deep_layers import BatchNorm, Dropout, Residual
from lib.layers import Dense, Flatten, ReLU, Tanh
from lib.losses import cross_entropy
from lib.networks import Network, batches
from lib.optimizers import SGD, Adam


def make(dtype=np.float32, seed=0, hidden=7, epsilon=1e-5):
    rng = np.random.default_rng(seed)
    layers = [
        Flatten(),
        Dense(6, hidden, rng),
        BatchNorm(hidden, epsilon=epsilon),
        Residual([Dense(hidden, hidden, rng), Tanh(), Dropout(0.0, rng)]),
        ReLU(),
        Dense(hidden, 4, rng),
    ]
    return Network(layers, dtype)


def inputs(batch=9, seed=1):
    return np.random.default_rng(seed).normal(size=(batch, 2, 3)).astype(np.float32)


# The flat arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_arrays_of_the_layers_are_views_of_one(dtype):
    network = make(dtype)
    parts = [*network.layers, *network.layers[3].layers]
    (flat,), (slopes,) = network.parameters, network.gradients
    assert flat.dtype == slopes.dtype == dtype
    assert network.count == flat.size == slopes.size == 6 * 7 + 7 + 2 * 7 + 7 * 7 + 7 + 7 * 4 + 4
    arrays = [array for layer in parts for array in layer.parameters]
    slopes_of = [array for layer in parts for array in layer.gradients]
    for views, whole in ((arrays, flat), (slopes_of, slopes)):
        for i, view in enumerate(views):
            view[...] = i + 1
        assert_array_equal(np.sort(whole), np.repeat(np.arange(len(views)) + 1, [v.size for v in views]))
    assert [(a.shape, a.dtype) for a in arrays] == [(a.shape, a.dtype) for a in slopes_of]
    assert network.layers[2].statistics[0].dtype == dtype


def test_the_initial_weights_do_not_depend_on_the_precision():
    assert_array_equal(make(np.float32).parameters[0], make(np.float64).parameters[0])
    assert make().parameters[0].any()


def test_an_optimizer_changes_the_whole_network():
    network, x = make(), inputs()
    before = network.parameters[0].copy()
    network.backward(cross_entropy(network.forward(x), np.zeros(9, int)).gradient)
    SGD(0.5).step(network.parameters, network.gradients)
    assert_allclose(network.parameters[0], before - 0.5 * network.gradients[0], rtol=1e-6)
    first = network.layers[1]
    assert_array_equal(first.parameters[0].ravel(), network.parameters[0][: 6 * 7])


@pytest.mark.parametrize("training", [False, True])
def test_gradients_of_a_whole_network(training):
    rng = np.random.default_rng(2)
    network, x, labels = make(np.float64), inputs().astype(float), rng.integers(4, size=9)

    def loss(parameters, x=x):
        network.parameters[0][...] = parameters
        return cross_entropy(network.forward(x, training), labels)

    def slopes(parameters):
        network.backward(loss(parameters).gradient, to_input=False)
        return network.gradients[0].copy()

    here = network.parameters[0].copy()
    for _ in range(5):
        assert gradient_error(lambda w: loss(w).value, slopes, here, rng) < 1e-6
        assert (
            gradient_error(
                lambda x: loss(here, x).value, lambda x: network.backward(loss(here, x).gradient), x, rng
            )
            < 1e-6
        )


def test_training_steps_equal_pytorchs():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    network = Network([Dense(5, 8, rng), ReLU(), Dense(8, 6, rng), Tanh(), Dense(6, 3, rng)])
    linear, nn = torch.nn.Linear, torch.nn
    peer = nn.Sequential(linear(5, 8), nn.ReLU(), linear(8, 6), nn.Tanh(), linear(6, 3))
    with torch.no_grad():
        ours = [array for layer in network.layers for array in layer.parameters]
        for parameter, array in zip(peer.parameters(), ours, strict=True):
            parameter[...] = torch.from_numpy(array)
    optimizer, theirs = Adam(0.01), torch.optim.Adam(peer.parameters(), lr=0.01)
    for _ in range(30):
        x, labels = rng.normal(size=(16, 5)).astype(np.float32), rng.integers(3, size=16)
        loss = cross_entropy(network.forward(x, training=True), labels)
        network.backward(loss.gradient, to_input=False)
        optimizer.step(network.parameters, network.gradients)
        theirs.zero_grad()
        value = nn.functional.cross_entropy(peer(torch.from_numpy(x)), torch.from_numpy(labels))
        value.backward()
        theirs.step()
        assert loss.value == pytest.approx(value.item(), rel=1e-4)
    flat = np.concatenate([parameter.detach().numpy().ravel() for parameter in peer.parameters()])
    assert_allclose(network.parameters[0], flat, rtol=1e-3, atol=1e-4)


def test_training_reaches_every_layer():
    network, x = make(), inputs()
    mean, _ = network.layers[2].statistics
    network.forward(x)
    assert not mean.any()
    network.forward(x, training=True)
    assert mean.all()


def test_outputs_are_the_callers_own():
    network, x = make(), inputs()
    first = network.forward(x)
    kept = first.copy()
    network.forward(2 * x)
    assert_array_equal(first, kept)
    one = Network([Dropout(0.5, np.random.default_rng(0))])
    assert not np.shares_memory(one.forward(x), x)


def test_the_input_gradient_is_left_out_when_it_is_not_wanted():
    network, x = make(), inputs()
    dy = np.ones_like(network.forward(x))
    assert network.backward(dy).shape == x.shape
    with_input = network.gradients[0].copy()
    network.gradients[0][...] = np.nan
    assert network.backward(dy, to_input=False) is None
    assert_array_equal(network.gradients[0], with_input)


# Predictions


def test_predictions_do_not_depend_on_the_batches():
    network, x = make(), inputs(23)
    expected = network.forward(x).argmax(axis=1)
    for size in (1, 7, 23, 100):
        assert_array_equal(network.predict(x, batch_size=size), expected)
    assert network.accuracy(x, expected) == 1
    assert network.accuracy(x, np.where(np.arange(23) < 5, (expected + 1) % 4, expected)) == 18 / 23
    assert isinstance(network.accuracy(x, expected), float)


def test_batches_take_every_sample_once():
    parts = list(batches(np.arange(10), 4))
    assert [len(part) for part in parts] == [4, 4, 2]
    assert_array_equal(np.concatenate(parts), np.arange(10))
    assert len(list(batches(np.arange(8), 4))) == 2


def test_the_table_of_the_layers():
    assert make().summary((2, 3)).splitlines() == [
        "layer                                          output  parameters",
        "Flatten()                                        (6,)           0",
        "Dense(6, 7)                                      (7,)          49",
        "BatchNorm(7)                                     (7,)          14",
        "Residual([Dense(7, 7), Tanh(), Dropout(0.0)])    (7,)          56",
        "ReLU()                                           (7,)           0",
        "Dense(7, 4)                                      (4,)          32",
        "Network                                                       151",
    ]
    with pytest.raises(ValueError, match=re.escape("Dense(6, 7): the input has shape (1, 5)")):
        make().summary((5,))


def test_its_name_is_its_layers():
    network = Network([Dense(2, 3, np.random.default_rng(0)), ReLU()])
    assert repr(network) == "Network([Dense(2, 3), ReLU()])"


# Copies and files


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_is_a_network_of_its_own(duplicate):
    network, x = make(), inputs()
    network.forward(x, training=True)
    network.backward(np.ones((9, 4)))
    other = duplicate(network)
    assert_array_equal(other.gradients[0], network.gradients[0])
    assert_array_equal(other.forward(x), network.forward(x))
    before = network.parameters[0].copy()
    other.parameters[0][...] = 0
    assert not other.layers[1].parameters[0].any()
    assert not other.layers[3].layers[0].parameters[0].any()
    assert_array_equal(network.parameters[0], before)
    other.layers[1].backward(other.layers[1].forward(np.ones((2, 6))))
    assert other.gradients[0].shape == before.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_saved_is_loaded_bit_by_bit(tmp_path, dtype):
    network, other, x = make(dtype), make(dtype, seed=5), inputs()
    for _ in range(3):
        network.backward(cross_entropy(network.forward(x, training=True), np.zeros(9, int)).gradient)
        SGD(0.1).step(network.parameters, network.gradients)
    path = tmp_path / "network"
    network.save(path)
    assert other.forward(x).tobytes() != network.forward(x).tobytes()
    other.load(path)
    assert other.parameters[0].tobytes() == network.parameters[0].tobytes()
    assert other.forward(x).tobytes() == network.forward(x).tobytes()
    assert np.shares_memory(other.layers[1].parameters[0], other.parameters[0])
    network.save(str(path))  # over the old one


def test_what_a_layer_inside_of_another_gathered_is_saved_too(tmp_path):
    network, other = (Network([Residual([BatchNorm(3)])]) for _ in range(2))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    network.forward(x, training=True)
    network.save(tmp_path / "network")
    other.load(tmp_path / "network")
    assert_array_equal(other.forward(x), network.forward(x))
    assert other.layers[0].layers[0].statistics[0].all()


def test_another_network_is_refused_and_nothing_changed(tmp_path):
    network, path = make(), tmp_path / "network.npz"
    network.save(path)
    rng = np.random.default_rng(0)
    for other, message in (
        (make(hidden=8), "its layer 1 is Dense(6, 7), here it is Dense(6, 8)"),
        (make(epsilon=0.1), "its layer 2 is BatchNorm(7), here it is BatchNorm(7, epsilon=0.1)"),
        (Network([Flatten()]), "its layer 1 is Dense(6, 7), here it is no layer"),
        (Network([*make_layers(), ReLU()]), "its layer 6 is no layer, here it is ReLU()"),
        (make(np.float64), "parameters must be (151,), float64, got (151,), float32"),
        (Network([Dense(2, 2, rng)]), "its layer 0 is Flatten(), here it is Dense(2, 2)"),
    ):
        before = other.parameters[0].copy()
        with pytest.raises(ValueError, match=re.escape(message)):
            other.load(path)
        assert_array_equal(other.parameters[0], before)


def make_layers():
    layers = make().layers
    for layer in [*layers, *layers[3].layers]:
        layer.taken = False
    return layers


def test_files_that_hold_no_network(tmp_path):
    network = make()
    with pytest.raises(FileNotFoundError):
        network.load(tmp_path / "nothing")
    for name, content in (("text", b"once upon a time"), ("empty", b""), ("zip", b"PK\x03\x04 broken")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="is not a network that was saved"):
            network.load(tmp_path / name)
    network.save(tmp_path / "damaged")
    damaged = bytearray((tmp_path / "damaged").read_bytes())
    damaged[damaged.rindex(b"PK\x01\x02") + 6] = 255  # made for a version of zip that there is not
    (tmp_path / "damaged").write_bytes(damaged)
    with pytest.raises(ValueError, match="is not a network that was saved"):
        network.load(tmp_path / "damaged")
    np.save(tmp_path / "array.npy", np.ones(3))
    np.savez(tmp_path / "others.npz", a=np.ones(3))
    for name in ("array.npy", "others.npz"):
        with pytest.raises(ValueError, match="is not a network that was saved"):
            network.load(tmp_path / name)
    names = np.array([repr(layer) for layer in network.layers])
    np.savez(tmp_path / "part.npz", layers=names, parameters=network.parameters[0])
    with pytest.raises(ValueError, match=re.escape("statistics0 must be (7,), float32, got nothing")):
        network.load(tmp_path / "part.npz")
    np.savez(tmp_path / "short.npz", layers=names, parameters=np.ones(1, np.float32))
    with pytest.raises(ValueError, match=re.escape("parameters must be (151,), float32, got (1,), float32")):
        network.load(tmp_path / "short.npz")


# Input


def test_a_layer_belongs_to_one_network():
    rng, shared = np.random.default_rng(0), ReLU()
    dense = Dense(2, 2, rng)
    for layers in ([shared, dense, shared], [shared, Residual([shared])], [Residual([dense]), dense]):
        with pytest.raises(ValueError, match=r"is in a network already: make a new layer"):
            Network(layers)
    Network([dense, shared])
    with pytest.raises(ValueError, match=re.escape("Dense(2, 2) is in a network already")):
        Network([dense])
    with pytest.raises(ValueError, match=re.escape("ReLU() is in a network already")):
        Network([Residual([shared])])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Network([]), ValueError, "layers must hold at least one layer, got none"),
        (lambda: Network(ReLU()), TypeError, "layers must be a list of layers, got ReLU()"),
        (lambda: Network([ReLU]), TypeError, "layers[0] must be a layer, got <class"),
        (lambda: Network([ReLU()], np.float16), ValueError, "dtype must be float32 or float64, got float16"),
        (lambda: Network([ReLU()], int), ValueError, "dtype must be float32 or float64, got int64"),
        (lambda: make().predict(inputs(), 0), ValueError, "batch_size must be at least 1, got 0"),
        (lambda: make().predict(inputs()[:0]), ValueError, "there must be at least one sample, got none"),
        (
            lambda: make().accuracy(inputs(), [1, 2]),
            ValueError,
            "there must be as many targets as samples, 9, got 2",
        ),
        (
            lambda: make().accuracy(inputs(), np.zeros((9, 1), int)),
            ValueError,
            "labels must have one axis, got shape (9, 1)",
        ),
        (
            lambda: make().forward(np.ones((2, 5))),
            ValueError,
            "Dense(6, 7): the input has shape (2, 5), expected (batch, 6)",
        ),
        (lambda: make().backward(np.ones((2, 4))), RuntimeError, "Dense(7, 4): forward must come before"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_a_network_without_parameters_works():
    network = Network([ReLU()])
    assert network.count == 0
    assert_array_equal(network.forward([[1, -1]]), [[1, 0]])
