"""NumPy's reading of tile programs, addresses and all: the truth that plans are tested against."""

import numpy as np

UNARY = {
    "neg_f": np.negative,
    "abs_f": np.abs,
    "sign_f": np.sign,
    "floor_f": np.floor,
    "ceil_f": np.ceil,
    "round_f": np.rint,
    "neg_i": np.negative,
    "abs_i": np.abs,
    "i2f": lambda a: a.astype(np.float32),
    "f2i": lambda a: a.astype(np.int32),
    "not_b": lambda a: 1 - a,
}
BINARY = {
    "add_f": np.add,
    "sub_f": np.subtract,
    "mul_f": np.multiply,
    "max_f": np.maximum,
    "min_f": np.minimum,
    "add_i": np.add,
    "sub_i": np.subtract,
    "mul_i": np.multiply,
    "max_i": np.maximum,
    "min_i": np.minimum,
    "lt_f": lambda a, b: (a < b).astype(np.int32),
    "le_f": lambda a, b: (a <= b).astype(np.int32),
    "eq_f": lambda a, b: (a == b).astype(np.int32),
    "and_b": np.bitwise_and,
    "or_b": np.bitwise_or,
}
ROW = {
    "row_sum": np.sum,
    "row_max": np.max,
    "row_min": np.min,
    "row_prod": np.prod,
    "row_argmax": np.argmax,
    "row_argmin": np.argmin,
}
COMBINE = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod}


def aligned(size, dtype=np.float32, shift=0):
    """A zeroed 1-D array of 4-byte items whose address is 64-byte aligned, plus `shift` items."""
    raw = np.zeros(4 * (size + shift) + 64, np.uint8)
    start = -raw.ctypes.data % 64 + 4 * shift
    return raw[start : start + 4 * size].view(dtype)


def addresses(operand, outer, cols, row_only):
    """Flat element addresses, shape [R, C] or, for a ROW register, [R]."""
    _, offset, strides, col_stride, panel = operand
    rows = int(np.prod(outer, dtype=np.int64))
    if panel:
        c = np.arange(cols)
        return offset + (c // 32) * rows * 32 + np.arange(rows)[:, None] * 32 + c % 32
    grid = np.full((rows,), offset, np.int64)
    indices = np.indices(outer).reshape(len(outer), -1) if outer else np.zeros((0, 1), np.int64)
    for index, stride in zip(indices, strides, strict=True):
        grid = grid + index * stride
    return grid if row_only else grid[:, None] + np.arange(cols) * col_stride


def run_program(
    outer, cols, registers, operands, instructions, reductions, buffers, mapped=None, product=None
):
    """Runs a program on flat arrays `buffers[slot]`, in place.

    `mapped[slot]` gives the row numbers of the batch in an input or output slot and its row size.
    """
    mapped = mapped or {}
    rows = int(np.prod(outer, dtype=np.int64))
    values = {0: product}

    def where(number, row_only):
        slot, offset, strides, col_stride, panel = operands[number]
        if slot not in mapped:
            return addresses(operands[number], outer, cols, row_only)
        numbers, row_size = mapped[slot]
        local = addresses(
            (slot, offset, (0, *strides[1:]), col_stride, panel), outer, cols, row_only
        )
        first = np.repeat(numbers, rows // outer[0]) * row_size
        return local + (first if row_only else first[:, None])

    def shape(register):
        return (rows, cols) if registers[register] == "F" else (rows,)

    for name, dst, a, b, c, imm in instructions:
        if name == "load":
            values[dst] = buffers[operands[imm][0]][where(imm, registers[dst] == "R")]
        elif name == "store":
            buffer = buffers[operands[imm][0]]
            buffer[where(imm, registers[a] == "R")] = values[a].view(buffer.dtype)
        elif name == "const_f":
            values[dst] = np.full(shape(dst), imm, np.float32)
        elif name == "const_i":
            values[dst] = np.full(shape(dst), imm, np.int32)
        elif name == "expand":
            values[dst] = np.repeat(values[a][:, None], cols, axis=1)
        elif name == "iota_row":
            column = np.arange(rows, dtype=np.int32)
            values[dst] = np.repeat(column[:, None], cols, 1) if registers[dst] == "F" else column
        elif name == "iota_col":
            values[dst] = np.tile(np.arange(cols, dtype=np.int32), (rows, 1))
        elif name == "select":
            values[dst] = np.where(values[a] != 0, values[b], values[c])
        elif name in UNARY:
            values[dst] = UNARY[name](values[a])
        elif name in BINARY:
            with np.errstate(over="ignore"):
                values[dst] = BINARY[name](values[a], values[b])
        else:
            with np.errstate(over="ignore"):
                kind = np.float32 if name.endswith("_f") and "arg" not in name else np.int32
                values[dst] = ROW[name[:-2]](values[a], axis=1).astype(kind)
    for name, register, slot, offset in reductions:
        with np.errstate(over="ignore"):
            result = np.atleast_1d(COMBINE[name[:-2]](values[register], axis=0))
        buffers[slot][offset : offset + result.size] = result.astype(values[register].dtype).view(
            buffers[slot].dtype
        )
    return values
