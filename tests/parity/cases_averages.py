"""Moving averages of the weights, put in their place by `SwapEMAWeights`."""

import os
import tempfile
import warnings

import cases_callbacks as base


def compiled(k, **options):
    optimizer = k.optimizers.SGD(0.3, use_ema=True, **{"ema_momentum": 0.7, **options})
    return base.make(k, optimizer=optimizer)


def swap(epochs=4, swap_on_epoch=False, options=None, **arguments):
    def case(k):
        callback = k.callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch)
        model = compiled(k, **(options or {}))
        return base.run(k, [callback], epochs=epochs, model=model, **arguments)

    return case


def kept(swap_on_epoch):
    """The weights that checkpoints after the callback keep."""

    def case(k):
        suffix = ".weights.h5" if k.__name__ == "keras" else ".safetensors"
        found = {}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "{epoch}" + suffix)
            callbacks = [
                k.callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch),
                k.callbacks.ModelCheckpoint(path, save_weights_only=True),
            ]
            base.run(k, callbacks, epochs=3, model=compiled(k))
            for epoch in (1, 2, 3):
                model = base.make(k)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # its optimizer keeps no averages
                    model.load_weights(path.format(epoch=epoch))
                for i, weight in enumerate(model.get_weights()):
                    found[f"weight/{epoch}/{i}"] = weight
        return found

    return case


CASES = {
    "swap": swap(),
    "swap_without_validation": swap(validate=False),
    "swap_on_epoch": swap(swap_on_epoch=True),
    "swap_on_epoch_without_validation": swap(swap_on_epoch=True, validate=False),
    "swap_with_overwriting": swap(options={"ema_overwrite_frequency": 3}),
    "swap_on_epoch_with_overwriting": swap(
        swap_on_epoch=True, options={"ema_overwrite_frequency": 5}
    ),
    "kept": kept(False),
    "kept_on_epoch": kept(True),
}
