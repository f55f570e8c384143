"""From a trace to an ordered list of native steps: simplify, canonical form, fuse, schedule, memory."""
