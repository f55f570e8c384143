"""Starting over in a running Python."""

import gc


def clear_session(free_memory: bool = True) -> None:
    """Makes automatic names start over (`dense`, `dense_1`, …), and collects garbage.

    Objects that exist keep their names; models, weights and seeds are left alone.

    Args:
        free_memory: Whether to collect garbage at once.
    """
    from hotloop.ops.naming import reset_names

    reset_names()
    if free_memory:
        gc.collect()
