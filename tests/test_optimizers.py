"""The rules against their papers (in plain Python), PyTorch, and what must hold of any rule."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lib.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AMSGrad,
    Momentum,
    Nesterov,
    RMSProp,
    WeightAverage,
    Yogi,
)
from lib.schedules import exponential, inverse_sqrt

RULES = {
    "SGD": lambda rate=0.05: SGD(rate),
    "Momentum": lambda rate=0.02: Momentum(rate, momentum=0.8),
    "Nesterov": lambda rate=0.02: Nesterov(rate, momentum=0.8),
    "AdaGrad": lambda rate=0.5: AdaGrad(rate),
    "RMSProp": lambda rate=0.01: RMSProp(rate),
    "Adam": lambda rate=0.05: Adam(rate),
    "AMSGrad": lambda rate=0.05: AMSGrad(rate),
    "Yogi": lambda rate=0.05: Yogi(rate),
}
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
CURVATURES = np.array([1.0, 4.0, 10.0])
TARGET = np.array([1.0, -2.0, 0.5])


def varied_gradients(steps=60, shape=(5,), seed=0):
    """Gradients of both signs whose sizes rise and fall over several powers of ten."""
    random = np.random.default_rng(seed)
    sizes = 10 ** (2 * np.sin(np.arange(steps) / 5))
    return [size * random.normal(size=shape) for size in sizes]


def run(optimizer, gradients, start):
    """Return the path of one array under the given gradients, the start included."""
    w = start.copy()
    path = [w.copy()]
    for gradient in gradients:
        optimizer.step([w], [gradient.astype(w.dtype)])
        path.append(w.copy())
    return np.array(path)


# Convergence, on a table of optimizers and functions


def quadratic(w):
    return CURVATURES * (w - TARGET)


def log_cosh(w):
    return np.tanh(w - TARGET)


def quartic(w):
    """The gradient of a strictly convex function that is no quadratic and couples its variables."""
    d = w - TARGET
    return 2 * d + d**3 + 0.5 * d.sum()


@each_rule
@pytest.mark.parametrize("gradient", [quadratic, log_cosh, quartic])
def test_converges_to_the_minimum(rule, gradient):
    optimizer, w = rule(), np.zeros(3)
    schedule = exponential(optimizer.learning_rate, 0.998)
    optimizer.learning_rate = schedule
    for _ in range(4000):
        optimizer.step([w], [gradient(w)])
    np.testing.assert_allclose(w, TARGET, atol=1e-4)


@each_rule
def test_first_step_goes_downhill_in_every_coordinate(rule):
    w, gradient = np.zeros(4), np.array([3.0, -0.1, 1e-4, 0.0])
    rule().step([w], [gradient])
    assert np.array_equal(np.sign(w), -np.sign(gradient))


# Equality with PyTorch

PEERS = {
    "SGD": (lambda rate: SGD(rate), "SGD", {}),
    "Momentum": (lambda rate: Momentum(rate, momentum=0.8), "SGD", {"momentum": 0.8}),
    "Nesterov": (lambda rate: Nesterov(rate, momentum=0.8), "SGD", {"momentum": 0.8, "nesterov": True}),
    "AdaGrad": (lambda rate: AdaGrad(rate), "Adagrad", {}),
    "AdaGrad, large epsilon": (lambda rate: AdaGrad(rate, epsilon=0.1), "Adagrad", {"eps": 0.1}),
    "RMSProp": (lambda rate: RMSProp(rate), "RMSprop", {}),
    "RMSProp, large epsilon": (
        lambda rate: RMSProp(rate, beta2=0.9, epsilon=0.1),
        "RMSprop",
        {"alpha": 0.9, "eps": 0.1},
    ),
    "Adam": (lambda rate: Adam(rate), "Adam", {}),
    "Adam, large epsilon": (
        lambda rate: Adam(rate, beta1=0.5, beta2=0.7, epsilon=0.1),
        "Adam",
        {"betas": (0.5, 0.7), "eps": 0.1},
    ),
    "AMSGrad": (lambda rate: AMSGrad(rate), "Adam", {"amsgrad": True}),
    "AMSGrad, large epsilon": (
        lambda rate: AMSGrad(rate, beta1=0.5, beta2=0.7, epsilon=0.1),
        "Adam",
        {"amsgrad": True, "betas": (0.5, 0.7), "eps": 0.1},
    ),
}


@pytest.mark.parametrize("changing", [False, True], ids=["constant rate", "changing rate"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize(("ours", "name", "options"), PEERS.values(), ids=PEERS)
def test_equals_pytorch(ours, name, options, dtype, tolerance, changing):
    torch = pytest.importorskip("torch")
    rates = [0.03 / (1 + t / 7) if changing else 0.03 for t in range(80)]
    gradients = [g.astype(dtype) for g in varied_gradients(80)]
    start = np.linspace(-2, 2, 5).astype(dtype)
    path = run(ours(rates.__getitem__), gradients, start)

    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    peer = getattr(torch.optim, name)([weight], lr=rates[0], **options)
    for step, (rate, gradient) in enumerate(zip(rates, gradients, strict=True)):
        peer.param_groups[0]["lr"] = rate
        weight.grad = torch.from_numpy(gradient)
        peer.step()
        np.testing.assert_allclose(path[step + 1], weight.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("ours", "name", "names"),
    [
        (RMSProp(), "RMSprop", {"learning_rate": "lr", "beta2": "alpha", "epsilon": "eps"}),
        (AdaGrad(), "Adagrad", {"learning_rate": "lr", "epsilon": "eps"}),
        (Adam(), "Adam", {"learning_rate": "lr", "epsilon": "eps"}),
    ],
)
def test_defaults_are_those_of_pytorch(ours, name, names):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
    assert {ours_is: getattr(ours, ours_is) for ours_is in names} == {a: theirs[b] for a, b in names.items()}
    if name == "Adam":
        assert (ours.beta1, ours.beta2) == theirs["betas"]


# Equality with the papers: one number, plain Python, the paper's own variables


def paper_polyak(rate, mu, gradients, w):
    before = w
    for t, g in enumerate(gradients):
        w, before = w - rate(t) * g + mu * (w - before), w
        yield w


def paper_adagrad(rate, delta, gradients, w):
    total = 0.0
    for t, g in enumerate(gradients):
        total += g * g
        w -= rate(t) * g / (delta + math.sqrt(total))
        yield w


def lecture_rmsprop(rate, gradients, w):
    mean_square = 0.0
    for t, g in enumerate(gradients):
        mean_square = 0.9 * mean_square + 0.1 * g * g
        w -= rate(t) * g / math.sqrt(mean_square)
        yield w


def paper_adam(rate, beta1, beta2, epsilon, gradients, w):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        w -= rate(t - 1) * m_hat / (math.sqrt(v_hat) + epsilon)
        yield w


def paper_amsgrad(rate, beta1, beta2, gradients, w):
    m = v = v_hat = 0.0
    for t, g in enumerate(gradients):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        v_hat = max(v_hat, v)
        w -= rate(t) * m / math.sqrt(v_hat)
        yield w


def paper_yogi(rate, beta1, beta2, epsilon, gradients, w):
    m = v = 0.0
    for t, g in enumerate(gradients):
        m = beta1 * m + (1 - beta1) * g
        sign = (v > g * g) - (v < g * g)
        v = v - (1 - beta2) * sign * g * g
        w -= rate(t) * m / (math.sqrt(v) + epsilon)
        yield w


def constant(t):
    return 0.03


def both(ours, paper, steps=60):
    """Return our path and the paper's of one number, under the same gradients."""
    gradients = [float(g[0]) for g in varied_gradients(steps, shape=(1,), seed=3)]
    path = run(ours, [np.array([g]) for g in gradients], np.array([0.7]))
    return path[1:, 0], np.array(list(paper(gradients, 0.7)))


def same(ours, paper):
    return np.allclose(*both(ours, paper), rtol=1e-12, atol=1e-12)


EQUAL_TO_PAPER = {
    "AdaGrad": (
        AdaGrad(inverse_sqrt(0.1), epsilon=0.2),
        lambda g, w: paper_adagrad(inverse_sqrt(0.1), 0.2, g, w),
    ),
    "RMSProp": (RMSProp(constant, beta2=0.9, epsilon=0), lambda g, w: lecture_rmsprop(constant, g, w)),
    "Adam": (
        Adam(inverse_sqrt(0.1), beta1=0.8, beta2=0.95, epsilon=0.1),
        lambda g, w: paper_adam(inverse_sqrt(0.1), 0.8, 0.95, 0.1, g, w),
    ),
    "Yogi": (
        Yogi(inverse_sqrt(0.1), beta1=0.8, beta2=0.95, epsilon=0.1),
        lambda g, w: paper_yogi(inverse_sqrt(0.1), 0.8, 0.95, 0.1, g, w),
    ),
    "Yogi's defaults": (Yogi(), lambda g, w: paper_yogi(lambda t: 0.01, 0.9, 0.999, 1e-3, g, w)),
}


@pytest.mark.parametrize(("ours", "paper"), EQUAL_TO_PAPER.values(), ids=EQUAL_TO_PAPER)
def test_equals_the_paper(ours, paper):
    np.testing.assert_allclose(*both(ours, paper), rtol=1e-12, atol=1e-12)


def test_momentum_equals_polyak_until_the_rate_changes():
    for rate, equal in ((constant, True), (inverse_sqrt(0.03), False)):
        ours = Momentum(rate, momentum=0.8)
        assert same(ours, lambda g, w, rate=rate: paper_polyak(rate, 0.8, g, w)) is equal


def test_nesterov_is_the_two_point_form_until_the_rate_changes():
    mu = 0.8
    for rate, equal in ((constant, True), (inverse_sqrt(0.03), False)):
        optimizer, w = Nesterov(rate, momentum=mu), TARGET + 1
        x, y = w.copy(), w.copy()
        gaps = []
        for t in range(50):
            x, before = y - rate(t) * quadratic(y), x
            y = x + mu * (x - before)
            optimizer.step([w], [quadratic(w)])
            corrected = w + rate(t) * mu * optimizer.state[0]["velocity"]
            gaps.append(max(abs(w - y).max(), abs(corrected - x).max()))
        assert bool(max(gaps) < 1e-12) is equal


def test_epsilon_inside_the_root_is_another_rmsprop():
    def inside(gradients, w):
        v = 0.0
        for g in gradients:
            v = 0.9 * v + 0.1 * g * g
            w -= 0.03 * g / math.sqrt(v + 0.1)
            yield w

    assert not same(RMSProp(0.03, beta2=0.9, epsilon=0.1), inside)


def test_amsgrad_equals_the_paper_after_its_change_of_rate_and_parts_from_it_before():
    beta1, beta2 = 0.8, 0.95

    def paper(gradients, w):
        return paper_amsgrad(constant, beta1, beta2, gradients, w)

    def uncorrected(t):
        return constant(t) * (1 - beta1 ** (t + 1)) / math.sqrt(1 - beta2 ** (t + 1))

    assert same(AMSGrad(uncorrected, beta1=beta1, beta2=beta2, epsilon=0), paper)
    assert not same(AMSGrad(constant, beta1=beta1, beta2=beta2, epsilon=0), paper)


def test_yogi_without_correction_differs_from_adam_at_the_first_step():
    adam, yogi = np.zeros(1), np.zeros(1)
    Adam(0.1, epsilon=0).step([adam], [np.ones(1)])
    Yogi(0.1, epsilon=0).step([yogi], [np.ones(1)])
    np.testing.assert_allclose([adam[0], yogi[0]], [-0.1, -0.1 * 0.1 / math.sqrt(0.001)])


@given(arrays(np.float64, (12, 3), elements=st.floats(-100, 100)))
@settings(max_examples=50, deadline=None)
def test_v_moves_as_the_papers_promise(gradients):
    amsgrad, yogi, largest, v = AMSGrad(), Yogi(), np.zeros(3), np.zeros(3)
    for gradient in gradients:
        run_state = []
        for optimizer in (amsgrad, yogi):
            optimizer.step([np.zeros(3)], [gradient])
            run_state.append(optimizer.state[0])
        assert (run_state[0]["v_max"] >= largest).all()
        assert (run_state[0]["v_max"] >= run_state[0]["v"]).all()
        assert (abs(run_state[1]["v"] - v) <= 0.001 * gradient**2 * (1 + 1e-9) + 1e-12).all()
        assert (run_state[1]["v"] >= 0).all()
        largest, v = run_state[0]["v_max"].copy(), run_state[1]["v"].copy()


# What must hold of any rule


@each_rule
@given(shift=st.floats(-10, 10), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_moving_the_start_moves_the_path(rule, shift, seed):
    gradients, start = varied_gradients(20, seed=seed), np.linspace(-1, 1, 5)
    moved = run(rule(), gradients, start + shift)
    np.testing.assert_allclose(moved, run(rule(), gradients, start) + shift, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", [AdaGrad, RMSProp, Adam, AMSGrad, Yogi])
@given(power=st.integers(-12, 12), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_adaptive_rules_do_not_see_the_scale_of_the_loss(make, power, seed):
    gradients, start = varied_gradients(20, seed=seed), np.zeros(5)
    scale = 10.0**power
    scaled = run(make(0.1, epsilon=0), [scale * g for g in gradients], start)
    np.testing.assert_allclose(scaled, run(make(0.1, epsilon=0), gradients, start), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [SGD, Momentum, Nesterov])
def test_linear_rules_scale_with_the_loss(make):
    gradients, start = varied_gradients(20), np.zeros(5)
    scaled = run(make(0.1), [3 * g for g in gradients], start)
    np.testing.assert_allclose(scaled, 3 * run(make(0.1), gradients, start), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scaled, run(make(0.3), gradients, start), rtol=1e-12, atol=1e-12)


@each_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_list_of_arrays_is_one_flat_buffer(rule, dtype):
    shapes = [(2, 3), (4,), (), (1, 2, 2), (0,)]
    sizes = [math.prod(shape) for shape in shapes]
    flat = np.random.default_rng(1).normal(size=sum(sizes)).astype(dtype)
    ends = np.cumsum(sizes)

    def split(buffer):
        pieces = np.split(buffer, ends[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    whole = flat.copy()
    listed, buffered = rule(), rule()
    for gradient in varied_gradients(200, flat.shape):
        gradient = gradient.astype(dtype)
        listed.step(split(flat), split(gradient))
        buffered.step([whole], [gradient])
        assert np.array_equal(flat, whole)
    assert {a.dtype for state in listed.state for a in state.values()} <= {np.dtype(dtype)}


@each_rule
def test_views_with_strides_are_changed_where_they_lie(rule):
    gradients = varied_gradients(10, (3, 2))
    dense = run(rule(), gradients, np.ones((3, 2)))[-1]
    home, optimizer = np.ones((2, 6)), rule()
    for gradient in gradients:
        optimizer.step([home[:, ::2].T], [gradient])
    np.testing.assert_array_equal(home[:, ::2].T, dense)
    assert (home[:, 1::2] == 1).all()


@each_rule
def test_a_gradient_may_be_another_parameter(rule):
    # The gradient of a·b is (b, a): no parameter may move before every gradient was read.
    a, b = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    c, d = a.copy(), b.copy()
    shared, copied = rule(), rule()
    for _ in range(5):
        shared.step([a, b], [b, a])
        copied.step([c, d], [d.copy(), c.copy()])
    assert np.array_equal(a, c)
    assert np.array_equal(b, d)


@each_rule
def test_gradients_are_left_alone(rule):
    gradient = np.array([1.0, -2.0])
    gradient.flags.writeable = False
    rule().step([np.zeros(2)], [gradient])
    assert gradient.tolist() == [1.0, -2.0]


@each_rule
def test_reset_forgets_everything(rule):
    optimizer, start = rule(inverse_sqrt(0.1)), np.ones(5)
    first = run(optimizer, varied_gradients(), start)
    again = run(optimizer, varied_gradients(), start)
    optimizer.reset()
    assert optimizer.t == 0
    assert optimizer.state == []
    assert not np.array_equal(first, again)
    assert np.array_equal(first, run(optimizer, varied_gradients(), start))
    optimizer.reset()
    optimizer.step([np.ones((2, 2), np.float32)], [np.ones((2, 2), np.float32)])


@each_rule
def test_two_optimizers_of_one_kind_share_nothing(rule):
    alone = run(rule(), varied_gradients(), np.ones(5))
    one, other = rule(), rule()
    w, noise = np.ones(5), np.zeros(5)
    for gradient in varied_gradients():
        one.step([w], [gradient])
        other.step([noise], [-7 * gradient])
    assert np.array_equal(w, alone[-1])


@each_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_gradients_move_nothing_even_without_epsilon(rule, dtype):
    optimizer, w = rule(), np.ones(3, dtype)
    if hasattr(optimizer, "epsilon"):
        optimizer.epsilon = 0.0
    for _ in range(3):
        optimizer.step([w], [np.zeros(3, dtype)])
    assert (w == 1).all()


@pytest.mark.parametrize(
    ("make", "name"), [(Momentum, "velocity"), (Nesterov, "velocity"), (Adam, "m"), (Yogi, "m")]
)
def test_a_moment_that_nothing_feeds_becomes_zero(make, name):
    optimizer, w = make(0.001), np.zeros(1, np.float32)
    for t in range(1536):
        optimizer.step([w], [np.full(1, float(t == 0), np.float32)])
    assert optimizer.state[0][name][0] == 0


def test_large_finite_gradients_are_accepted_where_the_rule_does_not_square_them():
    gradient = np.array([1e30, -1e30], np.float32)
    w = np.zeros(2, np.float32)
    SGD(1e-30).step([w], [gradient])
    np.testing.assert_allclose(w, [-1, 1], rtol=1e-6)
    optimizer = Adam()
    with pytest.raises(
        ValueError, match=r"gradients\[0\] must be finite, and its squares too, got 1e\+30 at index \(0,\)"
    ):
        optimizer.step([w], [gradient])
    # Squares that fit are taken, though their sum overflows.
    optimizer.step([w], [np.full(2, 1.5e19, np.float32)])
    np.testing.assert_allclose(w, [-1.001, 0.999], rtol=1e-6)


@each_rule
def test_a_schedule_is_asked_for_steps_0_1_2(rule):
    asked = []
    optimizer = rule(lambda t: asked.append(t) or 0.1)
    run(optimizer, varied_gradients(4), np.zeros(5))
    assert asked == [0, 1, 2, 3]
    assert optimizer.t == 4
    scheduled = run(rule(lambda t: 0.1), varied_gradients(), np.zeros(5))
    assert np.array_equal(scheduled, run(rule(0.1), varied_gradients(), np.zeros(5)))


# Weight averaging


def test_weight_average_is_the_mean_and_equals_pytorch():
    random = np.random.default_rng(5)
    visited = [[random.normal(size=(2, 3)), random.normal(size=4)] for _ in range(50)]
    average = WeightAverage()
    for weights in visited:
        average.add(weights)
    for i, mean in enumerate(average.parameters):
        np.testing.assert_allclose(mean, np.mean([w[i] for w in visited], axis=0), atol=1e-14)

    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 2, bias=False, dtype=torch.float64)
    peer = torch.optim.swa_utils.AveragedModel(layer)
    for weights in visited:
        layer.weight.data = torch.from_numpy(weights[0])
        peer.update_parameters(layer)
    np.testing.assert_allclose(average.parameters[0], peer.module.weight.detach().numpy(), atol=1e-14)


def test_weight_average_keeps_its_own_copy_and_forgets_on_reset():
    average, w = WeightAverage(), np.ones(2)
    average.add([w])
    w += 5
    assert average.parameters[0].tolist() == [1.0, 1.0]
    average.reset()
    average.add([np.zeros((1, 3), np.float32)])
    assert average.n == 1
    assert average.parameters[0].dtype == np.float32


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (np.ones(2), TypeError, "parameters must be a list of arrays, got ndarray"),
        ([], ValueError, "parameters must hold at least one array"),
        ([[1.0, 2.0]], TypeError, r"parameters\[0\] must be a NumPy array, got list"),
        (
            [np.array([1, 2])],
            TypeError,
            r"parameters\[0\] must hold float32 or float64 numbers, got dtype int64",
        ),
        ([np.array([1.0, np.inf])], ValueError, r"parameters\[0\] must be finite, got inf at index \(1,\)"),
        ([np.ones(3)], ValueError, r"must keep shapes and dtypes \[\(\(2,\), 'float64'\)\]"),
        ([np.ones(2, np.float32)], ValueError, r"must keep shapes and dtypes"),
        ([np.ones(2), np.ones(2)], ValueError, r"must keep shapes and dtypes"),
    ],
)
def test_weight_average_refuses_bad_input_and_stays(parameters, error, message):
    average = WeightAverage()
    average.add([np.ones(2)])
    with pytest.raises(error, match=message):
        average.add(parameters)
    assert average.n == 1
    assert average.parameters[0].tolist() == [1.0, 1.0]


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SGD(-0.1), ValueError, r"learning_rate must be finite and >= 0, got -0\.1"),
        (lambda: SGD(math.nan), ValueError, r"learning_rate must be finite and >= 0, got nan"),
        (lambda: Adam(math.inf), ValueError, r"learning_rate must be finite"),
        (lambda: SGD("0.1"), TypeError, r"learning_rate must be a real number, got '0\.1'"),
        (
            lambda: Momentum(0.1, momentum=1.0),
            ValueError,
            r"momentum must be finite and < 1 and >= 0, got 1\.0",
        ),
        (
            lambda: Nesterov(0.1, momentum=-0.1),
            ValueError,
            r"momentum must be finite and < 1 and >= 0, got -0\.1",
        ),
        (lambda: RMSProp(beta2=1), ValueError, r"beta2 must be finite and < 1 and >= 0, got 1"),
        (lambda: Adam(beta1=1.5), ValueError, r"beta1 must be finite and < 1 and >= 0, got 1\.5"),
        (lambda: AMSGrad(beta2=math.nan), ValueError, r"beta2 must be finite and < 1 and >= 0, got nan"),
        (lambda: Yogi(epsilon=-1e-3), ValueError, r"epsilon must be finite and >= 0, got -0\.001"),
        (lambda: AdaGrad(epsilon=None), TypeError, r"epsilon must be a real number, got None"),
    ],
)
def test_constants_out_of_range_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def read_only():
    array = np.zeros(2)
    array.flags.writeable = False
    return array


TWO, THREE = np.zeros(2), np.zeros(3)
BAD_STEPS = {
    "one array, not a list": (TWO, TWO, TypeError, "parameters must be a list of arrays, got ndarray"),
    "gradients not a list": ([TWO], TWO, TypeError, "gradients must be a list of arrays, got ndarray"),
    "no parameters": ([], [], ValueError, "parameters must hold at least one array, got none"),
    "too few gradients": (
        [TWO, THREE],
        [TWO],
        ValueError,
        "gradients must be as many as parameters, 2, got 1",
    ),
    "too many gradients": (
        [TWO],
        [TWO, THREE],
        ValueError,
        "gradients must be as many as parameters, 1, got 2",
    ),
    "a parameter that is a list": (
        [[0.0]],
        [TWO],
        TypeError,
        r"parameters\[0\] must be a NumPy array, got list",
    ),
    "a parameter that is a number": (
        [np.float64(1)],
        [TWO],
        TypeError,
        r"parameters\[0\] must be a NumPy array",
    ),
    "integer parameters": (
        [np.zeros(2, int)],
        [TWO],
        TypeError,
        r"parameters\[0\] must hold float32 or float64",
    ),
    "half precision": (
        [np.zeros(2, "f2")],
        [TWO],
        TypeError,
        r"float32 or float64 numbers, got dtype float16",
    ),
    "read-only": (
        [read_only()],
        [TWO],
        ValueError,
        r"parameters\[0\] must be writeable, got a read-only array",
    ),
    "a gradient that is a list": (
        [TWO],
        [[0.0, 0.0]],
        TypeError,
        r"gradients\[0\] must be a NumPy array, got list",
    ),
    "integer gradient": (
        [TWO],
        [np.zeros(2, int)],
        TypeError,
        r"gradients\[0\] must have .* dtype float64, got int64",
    ),
    "gradient too precise": (
        [np.zeros(2, "f4")],
        [TWO],
        TypeError,
        r"must have .* dtype float32, got float64",
    ),
    "gradient that would broadcast": (
        [TWO],
        [np.zeros(1)],
        ValueError,
        r"must have .* shape \(2,\), got \(1,\)",
    ),
}


@each_rule
@pytest.mark.parametrize(("parameters", "gradients", "error", "message"), BAD_STEPS.values(), ids=BAD_STEPS)
def test_bad_steps_are_refused(rule, parameters, gradients, error, message):
    optimizer = rule()
    with pytest.raises(error, match=message):
        optimizer.step(parameters, gradients)
    assert optimizer.t == 0
    assert optimizer.state == []


def snapshot(optimizer, parameters):
    state = [{name: array.tolist() for name, array in state.items()} for state in optimizer.state]
    return optimizer.t, state, [w.tolist() for w in parameters]


OTHER = [np.ones(2), np.ones((2, 2))]
GOOD = [np.ones(2), np.ones((2, 2))]
BAD_LATER = {
    "NaN": (
        OTHER,
        [GOOD[0], np.array([[1, 2], [math.nan, 4]])],
        r"gradients\[1\] must be finite.*, got nan at index \(1, 0\)",
    ),
    "infinity": (OTHER, [GOOD[0], np.array([[1, 2], [3, -math.inf]])], r"got -inf at index \(1, 1\)"),
    "shape": (
        OTHER,
        [GOOD[0], np.ones((2, 3))],
        r"gradients\[1\] must have its parameter's shape \(2, 2\), got \(2, 3\)",
    ),
    "fewer": (OTHER[:1], GOOD[:1], r"parameters must be 2 arrays as before, got 1; call reset\(\)"),
    "more": (
        [*OTHER, np.ones(1)],
        [*GOOD, np.ones(1)],
        r"parameters must be 2 arrays as before, got 3; call reset\(\)",
    ),
    "reshaped": (
        [OTHER[0], np.ones(4)],
        [GOOD[0], np.ones(4)],
        r"parameters\[1\] must have shape \(2, 2\) and dtype float64 as before, got \(4,\) .* call reset\(\)",
    ),
    "recast": (
        [OTHER[0], np.ones((2, 2), "f4")],
        [GOOD[0], np.ones((2, 2), "f4")],
        r"got \(2, 2\) and float32; call reset",
    ),
    "read-only": ([OTHER[0], np.broadcast_to(1.0, (2, 2))], GOOD, r"parameters\[1\] must be writeable"),
}


@each_rule
@pytest.mark.parametrize(("parameters", "gradients", "message"), BAD_LATER.values(), ids=BAD_LATER)
def test_a_refused_step_changes_nothing(rule, parameters, gradients, message):
    optimizer = rule()
    optimizer.step([np.ones(2), np.ones((2, 2))], GOOD)
    before = snapshot(optimizer, parameters)
    with pytest.raises(ValueError, match=message):
        optimizer.step(parameters, gradients)
    assert snapshot(optimizer, parameters) == before


@each_rule
@pytest.mark.parametrize(
    ("bad", "error"), [(-0.1, ValueError), (math.nan, ValueError), (math.inf, ValueError), (None, TypeError)]
)
def test_a_bad_rate_from_a_schedule_is_reported_with_its_step(rule, bad, error):
    optimizer, w = rule(lambda t: 0.1 if t < 2 else bad), np.zeros(2)
    for _ in range(2):
        optimizer.step([w], [np.ones(2)])
    before = snapshot(optimizer, [w])
    with pytest.raises(error, match=f"learning_rate at step 2 must be .*, got {bad}"):
        optimizer.step([w], [np.ones(2)])
    assert snapshot(optimizer, [w]) == before


@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 5)), data=st.data())
@settings(max_examples=50, deadline=None)
def test_non_finite_values_are_found_wherever_they_are(shape, data):
    where = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    gradient = np.ones(shape, np.float32)
    gradient[where] = data.draw(st.sampled_from([math.nan, math.inf, -math.inf]))
    with pytest.raises(ValueError, match=rf"at index \({where[0]}, {where[1]}\)"):
        SGD(0.1).step([np.ones(shape, np.float32)], [gradient])
