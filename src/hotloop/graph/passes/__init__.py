"""From a trace to ordered clusters: simplify, canonical form, fuse, schedule, memory."""
