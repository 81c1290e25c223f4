"""Networks: layers one after the other, whose parameters lie in one flat array."""

import zipfile

import numpy as np

from lib.arguments import count
from lib.layers import checked_layers


class Network:
    """Layers one after the other.

    All parameters are gathered in one flat array and all gradients in another; those of the layers become
    views of parts of them. So an optimizer changes the whole network with one operation per line of its rule.

    Parameters
    ----------
    layers : list of Layer
        None of them twice, none in another network.
    dtype : dtype
        The precision: float32, or float64 where gradients are checked.

    Attributes
    ----------
    layers : tuple of Layer
    parameters, gradients : list of one ndarray
        The flat arrays, as :meth:`lib.optimizers.Optimizer.step` takes them.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, or an entry is not one, or not free, or the precision is another.

    Examples
    --------
    >>> from lib.layers import Dense, ReLU
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(2, 8, rng), ReLU(), Dense(8, 2, rng)])
    >>> print(network.summary((2,)))
    layer        output  parameters
    Dense(2, 8)    (8,)          24
    ReLU()         (8,)           0
    Dense(8, 2)    (2,)          18
    Network                      42
    """

    def __init__(self, layers, dtype=np.float32):
        self.layers, self.dtype = checked_layers(layers), np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {self.dtype}")
        parts = list(_parts(self.layers))
        for i, layer in enumerate(parts):
            if layer.taken or layer in parts[:i]:
                raise ValueError(f"{layer} is in a network already: make a new layer")
        self._gather(parts)

    def _gather(self, parts):
        """Move the parameters into one array, the gradients into another, and make them views of these."""
        size = sum(array.size for layer in parts for array in layer.parameters)
        self.parameters, self.gradients = [np.zeros(size, self.dtype)], [np.zeros(size, self.dtype)]
        end = 0
        for layer in parts:
            layer.taken, layer.dtype = True, self.dtype
            layer.statistics = [array.astype(self.dtype) for array in layer.statistics]
            for i, (array, slopes) in enumerate(zip(layer.parameters, layer.gradients, strict=True)):
                begin, end = end, end + array.size
                layer.parameters[i] = self.parameters[0][begin:end].reshape(array.shape)
                layer.gradients[i] = self.gradients[0][begin:end].reshape(array.shape)
                layer.parameters[i][...] = array
                layer.gradients[i][...] = slopes

    def __setstate__(self, state):
        # pickle and copy.deepcopy copy the views one by one
        self.__dict__ = state
        self._gather(list(_parts(self.layers)))

    @property
    def count(self):
        """How many numbers are trained."""
        return self.parameters[0].size

    def forward(self, x, training=False):
        """Return the outputs for a batch, as :meth:`lib.layers.Layer.forward`, in an array of their own."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x.copy()

    def backward(self, dy, to_input=True):
        """Overwrite all gradients and return dx, as :meth:`lib.layers.Layer.backward`."""
        for layer in reversed(self.layers[1:]):
            dy = layer.backward(dy)
        return self.layers[0].backward(dy, to_input)

    def predict(self, x, batch_size=1000):
        """Return for each sample the class of the largest output.

        Parameters
        ----------
        x : ndarray, shape (samples, ...)
        batch_size : int
            How many go through the network at a time.

        Returns
        -------
        ndarray of int, shape (samples,)

        Raises
        ------
        TypeError, ValueError
            If there is no sample, or a layer refuses them.
        """
        return np.concatenate([self.forward(part).argmax(axis=1) for part in batches(x, batch_size)])

    def accuracy(self, x, labels, batch_size=1000):
        """Return the share of the samples whose class is predicted right, as a float.

        Raises
        ------
        TypeError, ValueError
            If there is not one label for each sample, or no sample, or a layer refuses them.
        """
        check_lengths(x, labels)
        if np.ndim(labels) != 1:
            raise ValueError(f"labels must have one axis, got shape {np.shape(labels)}")
        return float(np.mean(self.predict(x, batch_size) == labels))

    def summary(self, shape):
        """Return a table of the layers, the shapes of their outputs and the numbers of their parameters.

        Parameters
        ----------
        shape : tuple of int
            The shape of one sample.

        Raises
        ------
        ValueError
            If it does not fit a layer.
        """
        rows, shape = [("layer", "output", "parameters")], (1, *shape)
        for layer in self.layers:
            shape = layer.output_shape(shape)
            size = sum(array.size for part in _parts([layer]) for array in part.parameters)
            rows.append((repr(layer), str(shape[1:]), f"{size:,}"))
        rows.append(("Network", "", f"{self.count:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(f"{a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows)

    def save(self, path):
        """Write the layers' names, parameters and statistics to a file, in NumPy's format npz, exactly."""
        with open(path, "wb") as file:
            np.savez(file, layers=np.array(list(map(repr, self.layers))), **self._state())

    def load(self, path):
        """Read what :meth:`save` has written, bit by bit. When it is refused, nothing has changed.

        Raises
        ------
        OSError
            If there is no such file.
        ValueError
            If it is not a network's, or the network has other layers or another precision.
        """
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                saved = dict(arrays)
            theirs = saved.pop("layers").tolist()
        except (ValueError, KeyError, EOFError, TypeError, RuntimeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not a network that was saved") from error
        ours, state = list(map(repr, self.layers)), self._state()
        for i in range(max(len(ours), len(theirs))):
            here, there = (names[i] if i < len(names) else "no layer" for names in (ours, theirs))
            if here != there:
                raise ValueError(f"{path} holds another network: its layer {i} is {there}, here it is {here}")
        for name, array in state.items():
            if name not in saved or saved[name].shape != array.shape or saved[name].dtype != array.dtype:
                found = f"{saved[name].shape}, {saved[name].dtype}" if name in saved else "nothing"
                raise ValueError(f"{path}: {name} must be {array.shape}, {array.dtype}, got {found}")
        for name, array in state.items():
            array[...] = saved[name]

    def _state(self):
        """Return all arrays that make the network what it is, by name."""
        statistics = [array for layer in _parts(self.layers) for array in layer.statistics]
        return {"parameters": self.parameters[0]} | {f"statistics{i}": a for i, a in enumerate(statistics)}

    def __repr__(self):
        return f"Network({list(self.layers)})"


def _parts(layers):
    """Yield all layers, those inside of others too."""
    for layer in layers:
        yield layer
        yield from _parts(layer.layers)


def batches(samples, batch_size):
    """Yield the parts of an array that hold `batch_size` samples each, the last one those that are left."""
    batch_size = count("batch_size", batch_size, least=1)
    if len(samples) == 0:
        raise ValueError("there must be at least one sample, got none")
    for begin in range(0, len(samples), batch_size):
        yield samples[begin : begin + batch_size]


def check_lengths(x, targets):
    """Refuse targets that are not as many as the samples."""
    if len(x) != len(targets):
        raise ValueError(f"there must be as many targets as samples, {len(x)}, got {len(targets)}")
