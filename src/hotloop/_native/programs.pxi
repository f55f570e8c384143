# Tile programs, made from Python lists.

OPCODES = {hl_opcode_name(i).decode(): i for i in range(HL_PROGRAM_COUNT)}
COMBINES = {hl_combine_name(i).decode(): i for i in range(HL_COMBINE_COUNT)}
BLOCKS = {hl_block_name(i).decode(): i for i in range(HL_BLOCK_COUNT)}
cdef dict _blocks = BLOCKS
cdef dict _opcodes = OPCODES
cdef dict _combines = COMBINES


cdef uint32_t _immediate(int op, object imm) except? 0xffffffff:
    cdef float value
    cdef uint32_t bits
    if op == HL_PROGRAM_const_f:
        value = <float><double>imm
        memcpy(&bits, &value, sizeof(bits))
        return bits
    return <uint32_t>(<int64_t>imm & 0xffffffff)


cdef class _Program:
    """A C program built from Python lists."""
    cdef hl_program program
    cdef hl_operand *operands
    cdef hl_instruction *instructions
    cdef hl_reduction *reductions
    cdef bytes registers

    def __cinit__(self, str registers, operands, instructions, reductions, int nouter):
        cdef int i, d
        cdef hl_operand *o
        cdef hl_instruction *c
        cdef hl_reduction *r
        operands, instructions, reductions = list(operands), list(instructions), list(reductions)
        self.registers = registers.encode("ascii")
        self.operands = <hl_operand *>calloc(len(operands) + 1, sizeof(hl_operand))
        self.instructions = <hl_instruction *>calloc(len(instructions) + 1, sizeof(hl_instruction))
        self.reductions = <hl_reduction *>calloc(len(reductions) + 1, sizeof(hl_reduction))
        if self.operands == NULL or self.instructions == NULL or self.reductions == NULL:
            raise MemoryError("no memory for a tile program")
        for i, operand in enumerate(operands):
            slot, offset, outer_strides, col_stride, panel = operand
            o = &self.operands[i]
            o.slot, o.offset, o.col_stride, o.panel = slot, offset, col_stride, bool(panel)
            if len(outer_strides) != nouter and not o.panel:
                raise ValueError(f"operand {i} has {len(outer_strides)} outer strides; "
                                 f"the domain has {nouter} dimensions")
            for d in range(min(nouter, len(outer_strides))):
                o.outer_strides[d] = outer_strides[d]
        for i, (name, dst, a, b, third, imm) in enumerate(instructions):
            if name not in _opcodes:
                raise ValueError(f"instruction {i}: unknown name {name!r}")
            c = &self.instructions[i]
            c.op, c.dst, c.a, c.b, c.c = _opcodes[name], dst, a, b, third
            c.imm = _immediate(c.op, imm)
        for i, (name, reg, slot, offset) in enumerate(reductions):
            if name not in _combines:
                raise ValueError(f"reduction {i}: unknown name {name!r}; known: {', '.join(_combines)}")
            r = &self.reductions[i]
            r.op, r.reg, r.slot, r.offset = _combines[name], reg, slot, offset
        self.program.registers = self.registers
        self.program.nregisters = <int32_t>len(self.registers)
        self.program.noperands = <int32_t>len(operands)
        self.program.ninstructions = <int32_t>len(instructions)
        self.program.nreductions = <int32_t>len(reductions)
        self.program.operands = self.operands
        self.program.instructions = self.instructions
        self.program.reductions = self.reductions

    def __dealloc__(self):
        free(self.operands)
        free(self.instructions)
        free(self.reductions)
