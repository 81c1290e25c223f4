"""The files of Fashion-MNIST: where they come from, and all that can go wrong on the way.

:func:`lib.datasets.fashion_mnist` is what chapters call.
"""

import gzip
import math
import os
import socket
import zlib
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pooch
import requests

ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"  # it speaks no https
SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
CLASSES = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
FOLDER = "DOWNHILL_FASHION_MNIST"  # the environment variable
TIMEOUT = 30  # seconds without a byte from the server


class DatasetError(RuntimeError):
    """A data set could not be read; the message says which file, why, and what to do."""


def read_files():
    """Return training images, training labels, test images and test labels as arrays of bytes.

    Raises
    ------
    DatasetError
        As :func:`lib.datasets.fashion_mnist` says.
    """
    folder = os.environ.get(FOLDER)
    paths = _in_folder(Path(folder).expanduser()) if folder else _in_cache(pooch.os_cache("downhill"))
    arrays = [_read_idx(path) for path in paths]
    for images, labels in (arrays[:2], arrays[2:]):
        if images.shape != (len(labels), 28, 28) or labels.max(initial=0) > 9:
            raise DatasetError(
                f"Fashion-MNIST must hold images of 28 × 28 pixels and as many labels from 0 to 9, "
                f"got images of shape {images.shape} and labels of shape {labels.shape}. {_advice()}"
            )
    return arrays


def _advice():
    """Say what a reader can do when Fashion-MNIST cannot be downloaded."""
    return (
        f"Try again later, or set the environment variable {FOLDER} to a folder that holds "
        f"the four files {', '.join(SHA256)}."
    )


def _in_folder(folder):
    """Return the paths of the four files in a folder of the reader's, after checking their sums."""
    if not folder.is_dir():
        raise DatasetError(f"{FOLDER} names {folder}, which is not a folder. {_advice()}")
    missing = [name for name in SHA256 if not (folder / name).is_file()]
    if missing:
        raise DatasetError(
            f"{FOLDER} names {folder}, where {', '.join(missing)} cannot be found. {_advice()}"
        )
    for name, expected in SHA256.items():
        try:
            found = pooch.file_hash(str(folder / name))
        except OSError as error:
            raise DatasetError(f"{folder / name} cannot be read ({error.strerror}). {_advice()}") from error
        if found != expected:
            raise DatasetError(
                f"{folder / name} is damaged or is another file: "
                f"its SHA-256 sum is {found}, expected {expected}. {_advice()}"
            )
    return [folder / name for name in SHA256]


def _in_cache(folder):
    """Return the paths of the four files in the cache folder, downloading what is missing or damaged."""
    building = bool(os.environ.get("DOWNHILL_BUILD"))  # then the page must not show news and progress bars
    pooch.get_logger().disabled = building
    with ExitStack() as responses:  # pooch leaves those open that fail
        downloader = pooch.HTTPDownloader(
            progressbar=not building,
            chunk_size=2**16,
            timeout=TIMEOUT,
            hooks={"response": lambda response, **_: responses.enter_context(response)},
        )
        return [_cached(folder, name, downloader) for name in SHA256]


def _cached(folder, name, downloader):
    """Return the path of one file in the cache folder."""
    url, sha256 = ADDRESS + name, SHA256[name]
    try:
        # pooch writes to a temporary file, and gives it its name only when the sum is right.
        return Path(pooch.retrieve(url, sha256, fname=name, path=folder, downloader=downloader))
    except requests.RequestException as error:
        raise DatasetError(f"{url} could not be downloaded: {_reason(error)}. {_advice()}") from error
    except ValueError as error:
        raise DatasetError(
            f"{url} was downloaded and thrown away: what came is damaged or is another file, "
            f"for its SHA-256 sum is not {sha256}. {_advice()}"
        ) from error
    except OSError as error:
        raise DatasetError(
            f"{name} could not be kept in the cache folder {folder}: {error.strerror or error}. {_advice()}"
        ) from error


def _reason(error):
    """Say in plain words why a request failed; what started it stands further down the chain."""
    cause = error
    while cause is not None:
        if isinstance(cause, requests.HTTPError):
            return f"the server answered {cause.response.status_code} {cause.response.reason}"
        if isinstance(cause, socket.gaierror):
            return "the server's name could not be looked up (is there a network connection?)"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(cause, TimeoutError):
            return f"the server sent nothing for {TIMEOUT} seconds"
        cause = cause.__context__
    return f"the connection failed or broke off ({error})"


def _read_idx(path):
    """Return the array of bytes in a gzipped IDX file, the format of MNIST.

    Two zero bytes, the type of the entries (8: unsigned bytes), the number of axes, the length of each
    axis as a big-endian 32-bit number, then the entries in C order.
    """
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be unpacked as a gzip file: {error}. {_advice()}") from error
    axes = data[3] if len(data) > 3 else 0
    header = 4 + 4 * axes
    if data[:3] != b"\0\0\x08" or not axes or len(data) < header:
        raise DatasetError(f"{path} is not an IDX file of bytes: it begins with {data[:4]!r}. {_advice()}")
    shape = tuple(int(length) for length in np.frombuffer(data, ">u4", axes, offset=4))
    if len(data) != header + math.prod(shape):
        raise DatasetError(
            f"{path} should hold {math.prod(shape)} bytes of data, for its shape is {shape}, "
            f"but holds {len(data) - header}. {_advice()}"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
