"""Theano's convolution, made quicker: the patches of images are copied by rows.

It makes a matrix of each image's patches and has BLAS multiply it. Making the matrix took as long
as the product, since for every number it was asked whether it is padding.
Python 3.6 syntax; runs in the worker.
"""

from theano.tensor.nnet.corr import BaseCorrMM

ARGUMENTS = """
    const int channels, const int height, const int width, const int kernel_h, const int kernel_w,
    const int dilation_h, const int dilation_w,
    const int top, const int bottom, const int left, const int right,
    const int stride_h, const int stride_w"""
# For each channel and place in the kernel, the rows of the output: those columns from `first` to
# `last` see the image, and `row` is where column 0 would see it.
LOOPS = """
    const int rows = (height + top + bottom - (kernel_h - 1) * dilation_h - 1) / stride_h + 1;
    const int columns = (width + left + right - (kernel_w - 1) * dilation_w - 1) / stride_w + 1;
    for (int c = 0; c < channels; c++)
    for (int i = 0; i < kernel_h; i++)
    for (int j = 0; j < kernel_w; j++) {
        const int shift = j * dilation_w - left;
        int first = shift < 0 ? (-shift + stride_w - 1) / stride_w : 0;
        int last = shift < width ? (width - shift + stride_w - 1) / stride_w : 0;
        last = last < columns ? last : columns;
        first = first < last ? first : last;
        for (int h = 0; h < rows; h++, col += columns) {
            const int y = h * stride_h - top + i * dilation_h;
            const bool inside = y >= 0 && y < height;
            number *row = image + ((npy_intp)c * height + y) * width + shift;
            %s
        }
    }
"""
CODE = (
    """
static void im2col(const float_or_double *data_im,"""
    + ARGUMENTS
    + """, float_or_double *col) {
    typedef const float_or_double number;
    number *image = data_im;
"""
    + LOOPS
    % """
            if (!inside) {
                for (int w = 0; w < columns; w++) col[w] = 0;
                continue;
            }
            for (int w = 0; w < first; w++) col[w] = 0;
            if (stride_w == 1) for (int w = first; w < last; w++) col[w] = row[w];
            else for (int w = first; w < last; w++) col[w] = row[w * stride_w];
            for (int w = last; w < columns; w++) col[w] = 0;
"""
    + """}

static void col2im(const float_or_double *col,"""
    + ARGUMENTS
    + """, float_or_double *image) {
    typedef float_or_double number;
"""
    + LOOPS
    % """
            if (!inside) continue;
            if (stride_w == 1) for (int w = first; w < last; w++) row[w] += col[w];
            else for (int w = first; w < last; w++) row[w * stride_w] += col[w];
"""
    + """}
"""
)


def convolve_quicker():
    """Have Theano do so from now on."""
    support, version = BaseCorrMM.c_support_code_apply, BaseCorrMM.c_code_cache_version

    def c_support_code_apply(self, node, nodename):
        code = support(self, node, nodename)
        for name in ("im2col", "col2im"):
            code = code.replace("void %s(" % name, "static void theanos_%s(" % name)
        kind = {"float32": "npy_float", "float64": "npy_double"}[node.inputs[0].type.dtype]
        return CODE.replace("float_or_double", kind) + code

    BaseCorrMM.c_support_code_apply = c_support_code_apply
    BaseCorrMM.c_code_cache_version = lambda self: ("kerasish", 1) + tuple(version(self))
