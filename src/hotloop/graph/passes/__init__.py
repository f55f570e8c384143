"""From a trace to ordered native steps: simplify, canonical form, fuse, schedule, memory."""
