"""The data sets are what they say, and every way in which a download can fail ends in a clear error."""

import gzip
import hashlib
import http.server
import itertools
import os
import socket
import sys
import threading
from collections import Counter

import numpy as np
import pytest

from lib import datasets, fashion_mnist

PLANE = [datasets.xor, datasets.ball_and_ring, datasets.moons, datasets.spirals]


# --- images ---------------------------------------------------------------------------------------------


def test_digits_are_scikit_learns_split_once_and_for_all():
    from sklearn.datasets import load_digits

    source = load_digits()
    label_of = dict(zip(map(bytes, source.images.astype(np.uint8)), source.target, strict=True))
    found = datasets.digits()
    images = np.concatenate([found.train_inputs, found.test_inputs])
    labels = np.concatenate([found.train_labels, found.test_labels])
    assert found.train_inputs.shape == (1500, 8, 8)
    assert found.test_inputs.shape == (297, 8, 8)
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    assert (images.min(), images.max()) == (0, 1)
    assert len(label_of) == 1797, "the images must differ, or the next line proves less than it seems"
    assert {bytes(i): n for i, n in zip((16 * images).astype(np.uint8), labels, strict=True)} == label_of
    assert found.class_names == tuple("0123456789")
    for part in found.train_labels, found.test_labels:
        share = np.bincount(part, minlength=10) / len(part)
        np.testing.assert_allclose(share, np.bincount(labels) / 1797, atol=0.002)
    again = datasets.digits()
    np.testing.assert_array_equal(again.train_inputs, found.train_inputs)
    np.testing.assert_array_equal(again.test_labels, found.test_labels)


def pack(data):
    """Return the same gzip file at every call: without its time of making."""
    return gzip.compress(data, mtime=0)


def idx(array):
    """Return the array as a gzipped IDX file."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return pack(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes())


IMAGES = np.arange(7 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(7, 28, 28)
LABELS = np.array([9, 0, 3, 3, 1, 8, 2], np.uint8)
NAMES = list(fashion_mnist.SHA256)


def contents():
    """Return small files that stand in for the four of Fashion-MNIST."""
    return dict(zip(NAMES, map(idx, [IMAGES, LABELS, IMAGES[:3], LABELS[:3]]), strict=True))


def expect(monkeypatch, files):
    """Make the loader expect these files."""
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(fashion_mnist, "SHA256", sums)


def assert_is_the_small_set(found):
    np.testing.assert_array_equal(found.train_inputs, IMAGES.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(found.test_inputs, found.train_inputs[:3])
    np.testing.assert_array_equal(found.train_labels, LABELS)
    np.testing.assert_array_equal(found.test_labels, LABELS[:3])
    assert found.train_inputs.dtype == found.test_inputs.dtype == np.float32
    assert found.train_labels.dtype == found.test_labels.dtype == np.int64
    assert (found.train_inputs.min(), found.train_inputs.max()) == (0, 1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder of the reader's that holds the small set."""
    expect(monkeypatch, contents())
    for name, data in contents().items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.setenv("DOWNHILL_FASHION_MNIST", str(tmp_path))
    return tmp_path


def failure():
    """Return the message of the loader's error, which always tells what to do."""
    with pytest.raises(fashion_mnist.DatasetError) as caught:
        datasets.fashion_mnist()
    message = str(caught.value)
    assert "set the environment variable DOWNHILL_FASHION_MNIST to a folder" in message
    assert all(name in message for name in NAMES)
    return message


def test_folder_of_the_reader(folder):
    found = datasets.fashion_mnist()
    assert_is_the_small_set(found)
    assert len(found.class_names) == 10
    assert found.class_names[9] == "Ankle boot"


def test_folder_that_does_not_exist(folder, monkeypatch):
    monkeypatch.setenv("DOWNHILL_FASHION_MNIST", str(folder / "nowhere"))
    assert f"{folder / 'nowhere'}, which is not a folder" in failure()


def test_folder_without_some_files(folder):
    (folder / NAMES[1]).unlink()
    (folder / NAMES[3]).unlink()
    assert f"{folder}, where {NAMES[1]}, {NAMES[3]} cannot be found" in failure()


def test_folder_with_a_damaged_file(folder):
    (folder / NAMES[2]).write_bytes(contents()[NAMES[2]][:-1])
    assert f"{folder / NAMES[2]} is damaged or is another file" in failure()


def is_root():
    return not hasattr(os, "geteuid") or os.geteuid() == 0


@pytest.mark.skipif(is_root(), reason="permissions do not bind this user")
def test_folder_with_a_file_that_may_not_be_read(folder):
    (folder / NAMES[2]).chmod(0)
    assert f"{folder / NAMES[2]} cannot be read (Permission denied)" in failure()


WHOLE = gzip.decompress(idx(LABELS))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"no gzip at all", "cannot be unpacked as a gzip file"),
        (idx(LABELS)[:-9], "cannot be unpacked as a gzip file"),
        (idx(LABELS)[:12] + b"\xff\xff" + idx(LABELS)[14:], "cannot be unpacked as a gzip file"),
        (pack(b""), "is not an IDX file of bytes"),
        (pack(WHOLE[:7]), "is not an IDX file of bytes"),
        (pack(b"\0\0\x0d" + WHOLE[3:]), "is not an IDX file of bytes"),  # floats
        (pack(b"\x01" + WHOLE[1:]), "is not an IDX file of bytes"),
        (pack(WHOLE[:3] + b"\0"), "is not an IDX file of bytes"),  # no axes
        (pack(WHOLE[:-1]), "should hold 7 bytes of data, for its shape is (7,), but holds 6"),
        (pack(WHOLE + b"\0"), "should hold 7 bytes of data, for its shape is (7,), but holds 8"),
        (idx(LABELS[:6]), "images of shape (7, 28, 28) and labels of shape (6,)"),
        (idx(LABELS + np.uint8(1)), "labels from 0 to 9"),
        (idx(IMAGES), "labels of shape (7, 28, 28)"),
    ],
    ids=itertools.count(),
)
def test_file_with_the_expected_sum_that_cannot_be_decoded(folder, monkeypatch, data, complaint):
    (folder / NAMES[1]).write_bytes(data)
    expect(monkeypatch, contents() | {NAMES[1]: data})
    assert complaint in failure()


@pytest.mark.skipif(not os.environ.get("DOWNHILL_FASHION_MNIST"), reason="DOWNHILL_FASHION_MNIST is not set")
def test_the_real_fashion_mnist():
    found = datasets.fashion_mnist()
    for images, labels, each in [
        (found.train_inputs, found.train_labels, 6000),
        (found.test_inputs, found.test_labels, 1000),
    ]:
        assert images.shape == (10 * each, 28, 28)
        assert images.dtype == np.float32
        assert (images.min(), images.max()) == (0, 1)
        assert np.bincount(labels).tolist() == [each] * 10
    # Trousers have two legs: a gap in the lower middle, where dresses have none.
    means = [found.train_inputs[found.train_labels == label].mean(axis=0) for label in (1, 3)]
    assert means[0][24, 14] < 0.5 * means[0][24, 10]
    assert means[1][24, 14] > 0.8 * means[1][24, 10]


# --- downloads ------------------------------------------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Serve the small set, misbehaving where told."""

    daemon_threads = False  # so that closing it waits for them

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = contents()
        self.faults = {}
        self.requested = []
        self.test_is_over = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.requested.append(name)
        fault, data = self.server.faults.get(name), self.server.files[name]
        if isinstance(fault, int):
            self.send_error(fault)
            return
        if fault == "silent":
            self.server.test_is_over.wait(10)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if fault in ("truncated", "stalled") else data)
        if fault == "stalled":
            self.wfile.flush()
            self.server.test_is_over.wait(10)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return an empty cache folder; the loader has no other place to look."""
    expect(monkeypatch, contents())
    monkeypatch.delenv("DOWNHILL_FASHION_MNIST", raising=False)
    monkeypatch.delenv("DOWNHILL_BUILD", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fashion_mnist.pooch, "os_cache", lambda project: tmp_path / project)
    return tmp_path / "downhill"


@pytest.fixture
def server(cache, monkeypatch):
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(fashion_mnist, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        yield server
        server.test_is_over.set()
        server.shutdown()
        thread.join()


def kept(cache):
    return sorted(path.name for path in cache.iterdir())


def redirect_log(monkeypatch):
    """Let pooch's log follow stderr; it holds on to the one it found when it was imported."""
    for handler in fashion_mnist.pooch.get_logger().handlers:
        monkeypatch.setattr(handler, "stream", sys.stderr)


def test_download_once_with_news_and_a_progress_bar(server, cache, monkeypatch, capsys):
    redirect_log(monkeypatch)
    assert_is_the_small_set(datasets.fashion_mnist())
    news = capsys.readouterr().err
    assert f"Downloading data from '{fashion_mnist.ADDRESS}{NAMES[0]}'" in news
    assert "100%" in news
    assert_is_the_small_set(datasets.fashion_mnist())
    assert server.requested == NAMES
    assert kept(cache) == sorted(NAMES)
    assert capsys.readouterr().err == ""


def test_download_in_a_build_is_silent(server, cache, monkeypatch, capsys):
    redirect_log(monkeypatch)
    monkeypatch.setenv("DOWNHILL_BUILD", "1")
    assert_is_the_small_set(datasets.fashion_mnist())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (404, "the server answered 404 Not Found"),
        (500, "the server answered 500 Internal Server Error"),
        ("truncated", "the connection failed or broke off"),
        ("silent", "the server sent nothing for 2 seconds"),
        ("stalled", "the server sent nothing for 2 seconds"),
    ],
)
def test_server_that_fails(server, cache, monkeypatch, fault, complaint):
    # Long enough that a busy machine, or a long garbage collection, is not taken for a silent server.
    monkeypatch.setattr(fashion_mnist, "TIMEOUT", 2)
    server.faults[NAMES[2]] = fault
    message = failure()
    assert f"{fashion_mnist.ADDRESS}{NAMES[2]} could not be downloaded: {complaint}" in message
    assert kept(cache) == sorted(NAMES[:2]), "what came whole stays, and nothing else"
    server.faults.clear()
    assert_is_the_small_set(datasets.fashion_mnist())
    assert Counter(server.requested) == Counter([*NAMES, NAMES[2]])


def test_server_that_sends_another_file(server, cache):
    server.files[NAMES[0]] = b"<html>please log in</html>"
    assert f"{fashion_mnist.ADDRESS}{NAMES[0]} was downloaded and thrown away" in failure()
    assert kept(cache) == []


def test_damaged_file_in_the_cache_is_downloaded_again_once(server, cache):
    datasets.fashion_mnist()
    server.requested.clear()
    (cache / NAMES[1]).write_bytes(contents()[NAMES[1]][:-3])
    assert_is_the_small_set(datasets.fashion_mnist())
    assert server.requested == [NAMES[1]]

    (cache / NAMES[1]).write_bytes(b"damaged again")
    server.files[NAMES[1]] = b"and on the server too"
    server.requested.clear()
    assert "was downloaded and thrown away" in failure()
    assert server.requested == [NAMES[1]]


def test_interrupted_download_leaves_nothing(server, cache, monkeypatch):
    class Impatient(fashion_mnist.pooch.HTTPDownloader):
        def __call__(self, url, output_file, pooch):
            with open(output_file, "wb") as file:
                file.write(b"half a fi")
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fashion_mnist.pooch, "HTTPDownloader", Impatient)
        with pytest.raises(KeyboardInterrupt):
            datasets.fashion_mnist()
    assert kept(cache) == []
    assert_is_the_small_set(datasets.fashion_mnist())


def test_server_that_refuses(cache, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setattr(fashion_mnist, "ADDRESS", f"http://127.0.0.1:{port}/")
    assert (
        f"http://127.0.0.1:{port}/{NAMES[0]} could not be downloaded: the connection was refused" in failure()
    )


def test_no_network(cache, monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("NO_PROXY", "*")
    assert "the server's name could not be looked up (is there a network connection?)" in failure()


def test_cache_folder_that_cannot_be_made(server, cache, monkeypatch):
    cache.write_text("a file stands where the folder should be")
    assert f"could not be kept in the cache folder {cache}: " in failure()


@pytest.mark.skipif(is_root(), reason="permissions do not bind this user")
def test_cache_folder_that_may_not_be_written(server, cache):
    cache.mkdir(mode=0o500)
    message = failure()
    assert f"could not be kept in the cache folder {cache}: " in message
    assert "Permission denied" in message


def test_full_disk(server, cache, monkeypatch):
    def full(self, url, output_file, pooch):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fashion_mnist.pooch.HTTPDownloader, "__call__", full)
    assert f"could not be kept in the cache folder {cache}: No space left on device" in failure()
    assert kept(cache) == []


# --- toy sets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", PLANE)
def test_toy_sets_have_the_stated_form(draw):
    points, labels = draw(np.random.default_rng(3), 21)
    assert points.shape == (21, 2)
    assert points.dtype == np.float64
    assert labels.shape == (21,)
    assert labels.dtype == np.int64
    assert sorted(np.bincount(labels)) == [10, 11]
    again, _ = draw(np.random.default_rng(3), 21)
    np.testing.assert_array_equal(again, points)
    other, _ = draw(np.random.default_rng(4), 21)
    assert not np.array_equal(other, points)


@pytest.mark.parametrize("draw", PLANE)
def test_noise_is_normal_with_the_given_deviation(draw):
    clean, _ = draw(np.random.default_rng(5), 4000, noise=0)
    noisy, _ = draw(np.random.default_rng(5), 4000, noise=0.3)
    noise = (noisy - clean) / 0.3
    np.testing.assert_allclose(np.cov(noise.T), np.eye(2), atol=0.08)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.06)


def test_xor_truth_table_and_its_linear_fit():
    points, labels = datasets.xor(np.random.default_rng(0), 400, noise=0)
    assert set(map(tuple, points)) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    np.testing.assert_array_equal(labels, points[:, 0] != points[:, 1])
    fit, *_ = np.linalg.lstsq(np.column_stack([points, np.ones(400)]), labels)
    np.testing.assert_allclose(fit, [0, 0, 0.5], atol=1e-12)  # no straight line does better than a guess


def test_ball_and_ring_fill_their_areas_evenly():
    points, labels = datasets.ball_and_ring(np.random.default_rng(1), 8000, noise=0)
    square = (points**2).sum(axis=1)
    assert square[labels == 0].max() <= 0.25
    assert square[labels == 1].min() >= 0.49
    assert square[labels == 1].max() <= 1
    # The smaller disc of half the area holds half the points; so does each half plane.
    assert np.mean(square[labels == 0] < 0.125) == pytest.approx(0.5, abs=0.03)
    assert np.mean(square[labels == 1] < 0.745) == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose((points > 0).mean(axis=0), 0.5, atol=0.03)


def off_the_moons(points, labels):
    """Return how far each point is from the circle of its moon, and on which side it lies."""
    relative = (points - np.outer(labels, [1, 0.5])) * np.where(labels, -1, 1)[:, None]
    return np.hypot(*relative.T) - 1, relative[:, 1]


def test_moons_are_the_half_circles_of_scikit_learn():
    from sklearn.datasets import make_moons

    for points, labels in [
        datasets.moons(np.random.default_rng(2), 500, noise=0),
        make_moons(500, noise=None, random_state=0),
    ]:
        distance, height = off_the_moons(points, labels)
        np.testing.assert_allclose(distance, 0, atol=1e-12)
        assert height.min() >= -1e-12
        assert np.ptp(points[labels == 0, 0]) == pytest.approx(2, abs=0.01)
        assert np.ptp(points[labels == 1, 0]) == pytest.approx(2, abs=0.01)


def test_spirals_unwind_to_a_straight_line():
    points, labels = datasets.spirals(np.random.default_rng(2), 500, noise=0)
    z = points @ [1, 1j]
    radius = np.abs(z)
    unwound = z * np.exp(-3.5j * np.pi * radius)
    np.testing.assert_allclose(unwound, np.where(labels, -radius, radius), atol=1e-12)
    assert radius.min() < 0.02
    assert 0.98 < radius.max() <= 1


def test_line_is_found_by_least_squares():
    inputs, targets = datasets.line(np.random.default_rng(6), 5000, noise=0.2, slope=-3, intercept=0.5)
    assert inputs.shape == (5000, 1)
    assert np.abs(inputs).max() <= 1
    (slope, intercept), residual, *_ = np.linalg.lstsq(np.column_stack([inputs, np.ones(5000)]), targets)
    assert (slope, intercept) == pytest.approx((-3, 0.5), abs=0.02)
    assert np.sqrt(residual[0] / 5000) == pytest.approx(0.2, abs=0.01)
    inputs, targets = datasets.line(np.random.default_rng(6), 5, noise=0)
    np.testing.assert_allclose(targets, 2 * inputs[:, 0] + 1)


@pytest.mark.parametrize("draw", [*PLANE, datasets.line])
@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator, got 0"),
        ({"count": 0}, ValueError, "count must be at least 1, got 0"),
        ({"count": 2.0}, TypeError, "count must be a whole number, got 2.0"),
        ({"noise": -0.1}, ValueError, "noise must be finite and >= 0, got -0.1"),
    ],
)
def test_bad_arguments_are_named(draw, wrong, kind, message):
    with pytest.raises(kind, match=message):
        draw(**{"rng": np.random.default_rng(0), "count": 4} | wrong)


@pytest.mark.parametrize("name", ["slope", "intercept"])
def test_bad_line_is_named(name):
    with pytest.raises(ValueError, match=f"{name} must be finite, got nan"):
        datasets.line(np.random.default_rng(0), 4, **{name: np.nan})
