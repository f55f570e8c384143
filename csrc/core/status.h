/* Status codes: the only way C reports failure. Python maps each to one exception. */
#ifndef HL_CORE_STATUS_H
#define HL_CORE_STATUS_H

typedef enum hl_status {
  HL_OK = 0,
  HL_STOPPED,      /* the stop flag or the poll callback asked to stop */
  HL_ERR_ARGUMENT, /* an argument is out of its documented range */
  HL_ERR_MEMORY,   /* allocation failed */
  HL_ERR_OVERFLOW, /* a size does not fit in 64 bits */
  HL_ERR_INDEX,    /* an index in the data is out of range */
  HL_ERR_ISA,      /* unknown ISA name, or one this CPU cannot run */
  HL_ERR_BUSY,     /* the plan is already running on another thread */
  HL_ERR_INTERNAL  /* a broken invariant: a bug in hotloop */
} hl_status;

/* A constant English description, never NULL. */
const char *hl_status_text(hl_status status);

#endif
