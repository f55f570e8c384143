# The native API, as csrc/include/hotloop.h declares it.
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "hotloop.h" nogil:
    ctypedef enum hl_status:
        HL_OK
        HL_STOPPED
        HL_ERR_ARGUMENT
        HL_ERR_MEMORY
        HL_ERR_OVERFLOW
        HL_ERR_INDEX
        HL_ERR_ISA
        HL_ERR_BUSY
        HL_ERR_INTERNAL
    const char *hl_status_text(hl_status status)

    void *hl_alloc(int64_t count, int64_t size)
    void hl_free(void *block)

    ctypedef enum hl_isa:
        HL_ISA_COUNT
    bint hl_isa_supported(hl_isa isa)
    const char *hl_isa_name(hl_isa isa)
    int hl_cpu_count()

    ctypedef struct hl_kernels:
        hl_isa isa
        int64_t (*fma_chains)(float *sink, int64_t rounds) noexcept nogil
    const hl_kernels *hl_kernels_get()
    const hl_kernels *hl_kernels_of(hl_isa isa)
    hl_status hl_kernels_select(const char *name)

    int hl_get_num_threads()
    void hl_set_num_threads(int n)
    int HL_MAX_THREADS

    void hl_philox_uniform(float *numbers, int64_t count, uint64_t key0, uint64_t key1, double low, double width)
    int64_t hl_panels_size(int64_t k, int64_t n)
    void hl_pack_panels(float *panels, const float *src, int64_t ld, int64_t k, int64_t n)
    void hl_unpack_panels(float *dst, int64_t ld, const float *panels, int64_t k, int64_t n)

    int HL_MAX_OUTER
    int HL_PROGRAM_COUNT
    int HL_PROGRAM_load
    int HL_PROGRAM_store
    int HL_PROGRAM_const_f
    int HL_PROGRAM_const_i
    int HL_COMBINE_COUNT
    const char *hl_opcode_name(int32_t opcode)
    const char *hl_combine_name(int32_t combine)

    ctypedef struct hl_operand:
        int32_t slot
        int32_t panel
        int64_t offset
        int64_t outer_strides[8]
        int64_t col_stride
    ctypedef struct hl_instruction:
        int32_t op
        int32_t dst
        int32_t a
        int32_t b
        int32_t c
        uint32_t imm
    ctypedef struct hl_reduction:
        int32_t op
        int32_t reg
        int32_t slot
        int64_t offset
    ctypedef struct hl_program:
        const char *registers
        int32_t nregisters
        int32_t noperands
        int32_t ninstructions
        int32_t nreductions
        const hl_operand *operands
        const hl_instruction *instructions
        const hl_reduction *reductions
    ctypedef struct hl_matrix:
        int32_t slot
        int32_t trans
        int32_t panel
        int64_t offset
        int64_t ld
    ctypedef struct hl_array:
        void *data
        int64_t size
    ctypedef struct hl_run:
        const hl_array *bound
        const hl_array *inputs
        const hl_array *outputs
        int32_t nbound
        int32_t ninputs
        int32_t noutputs
        int32_t nkept
        const int64_t *index
        int64_t nindex
        int64_t start
        int64_t steps
        double budget
        int (*poll)(void *) noexcept nogil
        void *poll_ctx
    ctypedef struct hl_step_profile:
        const char *kind
        const char *chain
        int64_t rows
        int64_t cols
        int64_t depth
        int64_t tasks
        int32_t parallel
        int64_t calls
        int64_t nanoseconds
        int64_t sparse_calls
        int64_t macs
    ctypedef struct hl_plan:
        pass
    hl_status hl_plan_create(int64_t batch_size, hl_plan **plan)
    void hl_plan_destroy(hl_plan *plan)
    const char *hl_plan_error(const hl_plan *plan)
    hl_status hl_plan_add_arena(hl_plan *plan, int64_t size, int64_t offset, int32_t *slot)
    hl_status hl_plan_add_const(hl_plan *plan, const void *data, int64_t size, int32_t *slot)
    hl_status hl_plan_add_bound(hl_plan *plan, int64_t size, int32_t *slot)
    hl_status hl_plan_add_input(hl_plan *plan, int64_t row_size, int32_t *slot)
    hl_status hl_plan_add_output(hl_plan *plan, int64_t row_size, int32_t *slot)
    void hl_plan_chains(hl_plan *plan, int enabled)
    ctypedef enum hl_sparse_mode:
        HL_SPARSE_NEVER
        HL_SPARSE_AUTO
        HL_SPARSE_ALWAYS
    void hl_plan_sparse(hl_plan *plan, hl_sparse_mode mode)
    hl_status hl_plan_add_tile(hl_plan *plan, int32_t nouter, const int64_t *outer, int64_t cols,
                               const hl_program *program)
    hl_status hl_plan_add_gemm(hl_plan *plan, int64_t m, int64_t n, int64_t k, const hl_matrix *a, const hl_matrix *b,
                               const hl_matrix *c, const hl_program *epilogue)
    int HL_BLOCK_COUNT
    int HL_BLOCK_SOURCES
    int HL_BLOCK_SIZES
    const char *hl_block_name(int32_t kind)
    ctypedef struct hl_place:
        int32_t slot
        int32_t panel
        int64_t offset
    hl_status hl_plan_add_block(hl_plan *plan, int32_t kind, const hl_place *target, const hl_place *sources,
                                int32_t nsources, const int64_t *sizes, int32_t nsizes)
    hl_status hl_plan_finish(hl_plan *plan)
    hl_status hl_plan_run(hl_plan *plan, const hl_run *run, int64_t *done)
    void hl_kept_changed()
    void hl_plan_stop(hl_plan *plan)
    int hl_plan_writes(const hl_plan *plan, int32_t slot)
    void hl_plan_profile(hl_plan *plan, int enabled)
    int32_t hl_plan_nsteps(const hl_plan *plan)
    void hl_plan_profile_step(const hl_plan *plan, int32_t step, hl_step_profile *profile)
