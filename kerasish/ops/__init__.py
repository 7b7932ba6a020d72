"""Operations on tensors, in the names of `keras.ops`.

They take tensors, NumPy arrays, Python numbers and nested lists. Applied to an Input
they build the graph; applied to arrays they have a value, computed when it is looked at.
"""

from __future__ import annotations

from kerasish.graph.gradients import gradients
from kerasish.ops import image, linalg, nn, numpy
from kerasish.ops.activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu6,
    selu,
    silu,
    soft_shrink,
    softmax,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from kerasish.ops.arrangement import (
    append,
    array,
    array_split,
    copy,
    dsplit,
    dstack,
    fliplr,
    flipud,
    hsplit,
    hstack,
    isin,
    roll,
    rot90,
    select,
    view,
    vsplit,
    vstack,
)
from kerasish.ops.array import (
    broadcast_to,
    expand_dims,
    flatten,
    flip,
    moveaxis,
    ndim,
    ravel,
    reshape,
    shape,
    size,
    squeeze,
    swapaxes,
    transpose,
)
from kerasish.ops.attention import (
    dot_product_attention,
)
from kerasish.ops.binary import (
    add,
    clip,
    divide,
    divide_no_nan,
    floor_divide,
    maximum,
    minimum,
    mod,
    multiply,
    power,
    reciprocal,
    subtract,
    true_divide,
    where,
)
from kerasish.ops.comparisons import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from kerasish.ops.complex import (
    conj,
    conjugate,
    imag,
    isreal,
    polar,
    real,
    view_as_complex,
    view_as_real,
)
from kerasish.ops.control import (
    cond,
    custom_gradient,
    in_train_phase,
    switch,
)
from kerasish.ops.conv import (
    average_pool,
    conv,
    max_pool,
)
from kerasish.ops.conv_transpose import (
    adaptive_average_pool,
    adaptive_max_pool,
    conv_transpose,
    depthwise_conv,
    separable_conv,
)
from kerasish.ops.core import (
    convert_to_numpy,
    convert_to_tensor,
    dtype,
    is_tensor,
    saturate_cast,
)
from kerasish.ops.creation import (
    diag,
    diagflat,
    diagonal,
    empty,
    empty_like,
    geomspace,
    identity,
    linspace,
    logspace,
    meshgrid,
    tri,
    tril,
    triu,
    vander,
)
from kerasish.ops.crossentropies import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from kerasish.ops.ctc import (
    ctc_decode,
    ctc_loss,
)
from kerasish.ops.decompositions import (
    cholesky,
    cholesky_inverse,
    eig,
    eigh,
    lu_factor,
    qr,
    svd,
)
from kerasish.ops.elementwise import (
    abs,
    absolute,
    ceil,
    cos,
    erf,
    exp,
    expm1,
    floor,
    log,
    log1p,
    negative,
    relu,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    stop_gradient,
    tanh,
)
from kerasish.ops.equations import (
    det,
    inv,
    logdet,
    lstsq,
    matrix_rank,
    pinv,
    slogdet,
    solve,
    solve_triangular,
)
from kerasish.ops.errors import name_themselves as _name_themselves
from kerasish.ops.fft import (
    extract_sequences,
    fft,
    fft2,
    ifft2,
    irfft,
    istft,
    rfft,
    stft,
)
from kerasish.ops.filling import (
    arange,
    eye,
    full,
    full_like,
    multi_hot,
    one_hot,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from kerasish.ops.forward import (
    jvp,
)
from kerasish.ops.gaussian import (
    erfc,
    erfinv,
)
from kerasish.ops.indexing import (
    get_item,
    nonzero,
    scatter,
    scatter_update,
    slice,
    slice_update,
    take_along_axis,
    unravel_index,
)
from kerasish.ops.integers import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    gcd,
    lcm,
    left_shift,
    right_shift,
)
from kerasish.ops.joining import concatenate, pad, repeat, split, stack, tile, unstack
from kerasish.ops.loops import (
    associative_scan,
    fori_loop,
    map,
    scan,
    vectorize,
    vectorized_map,
    while_loop,
)
from kerasish.ops.matrices import dot, matmul, outer, tensordot
from kerasish.ops.nanstatistics import (
    nanargmax,
    nanargmin,
    nancumprod,
    nancumsum,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
)
from kerasish.ops.native import (
    native_call,
)
from kerasish.ops.normalization import (
    batch_normalization,
    l2_normalize,
    layer_normalization,
    moments,
    normalize,
    psnr,
    rms_normalization,
)
from kerasish.ops.norms import (
    norm,
)
from kerasish.ops.patches import (
    depth_to_space,
    fold,
    space_to_depth,
    unfold,
)
from kerasish.ops.patterns import (
    rearrange,
)
from kerasish.ops.products import (
    cdist,
    cross,
    einsum,
    inner,
    kron,
    trace,
    vdot,
)
from kerasish.ops.promotion import cast
from kerasish.ops.quantiles import (
    median,
    nanmedian,
    nanpercentile,
    nanquantile,
    percentile,
    quantile,
)
from kerasish.ops.reduce import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    cumprod,
    cumsum,
    logsumexp,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    var,
)
from kerasish.ops.segments import segment_max, segment_min, segment_prod, segment_sum
from kerasish.ops.selection import getitem, take
from kerasish.ops.sorting import (
    argpartition,
    argsort,
    digitize,
    in_top_k,
    searchsorted,
    sort,
    top_k,
    unique,
)
from kerasish.ops.special import (
    allclose,
    cbrt,
    exp2,
    fabs,
    fmax,
    fmin,
    fmod,
    heaviside,
    i0,
    isclose,
    isneginf,
    isposinf,
    ldexp,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    nan_to_num,
    nextafter,
    signbit,
    trunc,
)
from kerasish.ops.statistics import (
    average,
    bincount,
    corrcoef,
    correlate,
    count_nonzero,
    diff,
    histogram,
    ptp,
    trapezoid,
)
from kerasish.ops.trigonometry import (
    angle,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cosh,
    deg2rad,
    hypot,
    rad2deg,
    sinc,
    sinh,
    tan,
)
from kerasish.ops.windows import (
    bartlett,
    blackman,
    hamming,
    hanning,
    kaiser,
)

_name_themselves(globals())
