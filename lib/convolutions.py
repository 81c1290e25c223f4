"""Layers for pictures: convolution, and pooling by the maximum or the mean.

Pictures have the shape (batch, channels, height, width). In memory their order is (channels, height, width,
batch), with the batch last: what all windows of a batch see at one place of the window is then copied in long
runs, and a convolution is one product of matrices. The arrays that these layers return are views of that
order, so that layers in a row copy nothing; an input in another order is copied once.
"""

import numpy as np

from lib.arguments import count, real_array
from lib.initial_weights import he
from lib.layers import Layer


class _Window(Layer):
    """The base of the layers that slide a square window over pictures.

    The window stops at every `stride`-th place where it fits into the pictures with their `padding`.
    """

    in_channels = None

    def __init__(self, size, stride, padding, *parameters):
        super().__init__(*parameters)
        self.size, self.stride, self.padding = size, stride, padding

    def output_shape(self, shape):
        if len(shape) != 4 or self.in_channels not in (None, shape[1]):
            self._refuse("input", shape, f"(batch, {self.in_channels or 'channels'}, height, width)")
        batch, channels, *lengths = shape
        lengths = [(length + 2 * self.padding - self.size) // self.stride + 1 for length in lengths]
        if min(lengths) < 1:
            least = self.size - 2 * self.padding
            self._refuse("input", shape, f"pictures of {least} × {least} pixels or more")
        return batch, channels, *lengths

    def pictures(self, name, shape):
        """Return a buffer for pictures of this shape, in the order of memory."""
        batch, *others = shape
        return self.buffer(name, *others, batch)

    def views(self, pictures):
        """Yield for each place in the window, row by row, what all windows see there.

        `pictures` are in the order of memory, padding included; so are the views, which can be written to.
        """
        height, width = ((length - self.size) // self.stride + 1 for length in pictures.shape[1:3])
        for top in range(self.size):
            for left in range(self.size):
                rows = slice(top, top + self.stride * (height - 1) + 1, self.stride)
                columns = slice(left, left + self.stride * (width - 1) + 1, self.stride)
                yield pictures[:, rows, columns]


class Convolution(_Window):
    """Weighted sums of what a small window sees, with the same weights everywhere: PyTorch's ``Conv2d``.

    Row r, column c of output channel o is ``y[o, r, c] = b[o] + Σ W[o, i, p, q] x[i, s r + p, s c + q]``, a
    sum over the input channels i and the places p, q in the window, with the stride s, on pictures with a
    margin of zeros. (Mathematics would call it a correlation: the window is not mirrored.)

    Let every column of a matrix X hold what one window sees. Then all sums are one product of matrices,
    ``Y = W X + b``, and the way back is ``dW = dY Xᵀ``, ``db = dY 1`` and ``dX = Wᵀ dY``. Windows overlap, so
    a pixel stands in several entries of X; its derivative is the sum of theirs.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel : int
        The height and width of the window.
    rng : numpy.random.Generator
        Draws the initial weights.
    stride : int
        How far the window moves each time.
    padding : int
        How many zeros are put around each picture, on each side.
    initial : callable
        How it does, as in :mod:`lib.initial_weights`. The biases begin at 0.

    Attributes
    ----------
    parameters : list of ndarray
        W of shape (out_channels, in_channels, kernel, kernel) and b of shape (out_channels,).

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number, or too small, or `initial` draws another shape.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
    Proceedings of the IEEE 86, 1998, 2278–2324.

    Examples
    --------
    An edge from dark to bright, found by a difference of neighbours:

    >>> layer = Convolution(1, 1, 2, np.random.default_rng(0))
    >>> layer.parameters[0][...] = [[-1, 1], [-1, 1]]
    >>> picture = [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]
    >>> layer.forward([[picture]])[0, 0]
    array([[0., 2., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, in_channels, out_channels, kernel, rng, stride=1, padding=0, initial=he):
        self.in_channels = count("in_channels", in_channels, least=1)
        self.out_channels = count("out_channels", out_channels, least=1)
        kernel = count("kernel", kernel, least=1)
        stride, padding = count("stride", stride, least=1), count("padding", padding)
        shape = self.out_channels, self.in_channels, kernel, kernel
        W = initial(rng, shape, self.in_channels * kernel**2, self.out_channels * kernel**2)
        W = real_array("initial weights", W, shape=shape)
        super().__init__(kernel, stride, padding, W, np.zeros(self.out_channels))

    def output_shape(self, shape):
        batch, _, height, width = super().output_shape(shape)
        return batch, self.out_channels, height, width

    def compute(self, x, training):
        W, b = self.parameters
        y = self.pictures("y", self._shapes[1])
        self.X = self.buffer("X", self.in_channels, self.size**2, *y.shape[1:])
        for i, view in enumerate(self.views(self._padded(x))):
            self.X[:, i] = view
        Y = y.reshape(self.out_channels, -1)
        np.dot(W.reshape(self.out_channels, -1), self.X.reshape(-1, Y.shape[1]), out=Y)
        Y += b[:, None]
        return np.moveaxis(y, -1, 0)

    def propagate(self, dy, to_input):
        W = self.parameters[0].reshape(self.out_channels, -1)
        dW, db = self.gradients
        dY = np.moveaxis(dy, 0, -1).reshape(self.out_channels, -1)
        np.dot(dY, self.X.reshape(-1, dY.shape[1]).T, out=dW.reshape(W.shape))
        np.dot(dY, np.ones(dY.shape[1], dY.dtype), out=db)  # several times as fast as dY.sum(axis=1)
        if not to_input:
            return None
        dX = self.buffer("dX", like=self.X)
        np.dot(W.T, dY, out=dX.reshape(-1, dY.shape[1]))
        padded, dx = self._with_margin("dx")
        for i, view in enumerate(self.views(padded)):
            view += dX[:, i]
        return np.moveaxis(dx, -1, 0)

    def _padded(self, x):
        """Return pictures in the order of memory, with their margin."""
        pictures = np.moveaxis(x, 0, -1)
        if self.padding == 0 and pictures.flags.c_contiguous:
            return pictures
        padded, inside = self._with_margin("x")
        inside[...] = pictures
        return padded

    def _with_margin(self, name):
        """Return zeros for pictures with their margin, and the view of what lies inside it."""
        batch, channels, height, width = self._shapes[0]
        margin = self.padding
        padded = self.pictures(name, (batch, channels, height + 2 * margin, width + 2 * margin))
        padded[...] = 0
        return padded, padded[:, margin : margin + height, margin : margin + width]

    def __repr__(self):
        sizes = f"{self.in_channels}, {self.out_channels}, {self.size}"
        stride = f", stride={self.stride}" if self.stride != 1 else ""
        padding = f", padding={self.padding}" if self.padding else ""
        return f"Convolution({sizes}{stride}{padding})"


class _Pooling(_Window):
    """The base of the poolings."""

    def __init__(self, size, stride=None):
        size = count("size", size, least=1)
        super().__init__(size, size if stride is None else count("stride", stride, least=1), 0)

    def __repr__(self):
        extra = f", stride={self.stride}" if self.stride != self.size else ""
        return f"{type(self).__name__}({self.size}{extra})"


class MaxPool(_Pooling):
    """The largest number that a window sees, channel by channel: PyTorch's ``MaxPool2d``.

    On the way back the gradient goes to where that number stood; of equal numbers the first has it, row by
    row. Rows and columns at the end that no whole window reaches have no influence.

    Parameters
    ----------
    size : int
        The height and width of the window.
    stride : int, optional
        How far it moves each time; if not given, by its size, so that windows do not overlap.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a whole number, or less than 1.

    Examples
    --------
    >>> layer = MaxPool(2)
    >>> layer.forward([[[[1, 2, 7], [4, 3, 8]]]])
    array([[[[4.]]]], dtype=float32)
    >>> layer.backward([[[[10]]]])
    array([[[[ 0.,  0.,  0.],
             [10.,  0.,  0.]]]], dtype=float32)
    """

    def compute(self, x, training):
        first, *others = self.views(np.moveaxis(x, 0, -1))
        y = self.pictures("y", self._shapes[1])
        y[...] = first
        small = np.min_scalar_type(self.size**2)  # one byte in most cases, and four times as fast as floats
        self.place = np.zeros(y.shape, small)  # where in the window the largest stands
        for i, view in enumerate(others, start=1):
            np.maximum(self.place, np.multiply(view > y, i, dtype=small), out=self.place)
            np.maximum(y, view, out=y)
        return np.moveaxis(y, -1, 0)

    def propagate(self, dy, to_input):
        dY = np.moveaxis(dy, 0, -1)
        dx = self.pictures("dx", self._shapes[0])
        dx[...] = 0
        for i, view in enumerate(self.views(dx)):
            view += dY * (self.place == i)
        return np.moveaxis(dx, -1, 0)


class AveragePool(_Pooling):
    """The mean of what a window sees, channel by channel: PyTorch's ``AvgPool2d``.

    On the way back every pixel that a window sees gets an equal part of its gradient.

    Parameters and errors are those of :class:`MaxPool`.

    Examples
    --------
    >>> AveragePool(2).forward([[[[1, 2], [3, 6]]]])
    array([[[[3.]]]], dtype=float32)
    """

    def compute(self, x, training):
        y = self.pictures("y", self._shapes[1])
        y[...] = 0
        for view in self.views(np.moveaxis(x, 0, -1)):
            y += view
        y /= self.size**2
        return np.moveaxis(y, -1, 0)

    def propagate(self, dy, to_input):
        part = np.moveaxis(dy, 0, -1) / self.size**2
        dx = self.pictures("dx", self._shapes[0])
        dx[...] = 0
        for view in self.views(dx):
            view += part
        return np.moveaxis(dx, -1, 0)
