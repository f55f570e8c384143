#include "core/status.h"

const char *hl_status_text(hl_status status) {
  switch (status) {
  case HL_OK:
    return "success";
  case HL_STOPPED:
    return "stopped on request";
  case HL_ERR_ARGUMENT:
    return "an argument is out of its documented range";
  case HL_ERR_MEMORY:
    return "out of memory";
  case HL_ERR_OVERFLOW:
    return "a size does not fit in 64 bits";
  case HL_ERR_INDEX:
    return "an index in the data is out of range";
  case HL_ERR_ISA:
    return "unknown instruction set, or one that this CPU or build does not support";
  case HL_ERR_BUSY:
    return "the plan is already running on another thread";
  case HL_ERR_INTERNAL:
    return "internal error: a broken invariant in the native core";
  }
  return "unknown status";
}
