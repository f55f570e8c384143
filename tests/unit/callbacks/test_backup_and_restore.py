"""A training that is interrupted anywhere and run again ends with the same bits."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import hotloop
from hotloop import callbacks, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(44, 6)).astype("float32")
Y = RNG.integers(0, 3, size=44).astype("int32")
BATCHES = 6  # of 8 samples, the last one of 4


class StopHereError(Exception):
    pass


class Interrupt(callbacks.Callback):
    """Raises in the given hook, at the given place."""

    def __init__(self, hook, epoch=0, batch=None):
        super().__init__()
        self.at = (epoch, batch)
        self.epoch = 0
        self.on_epoch_begin = self._note
        inner = getattr(self, hook)

        def fail(number, logs=None):
            inner(number, logs)
            if (self.epoch, number if "batch" in hook else None) == self.at:
                raise StopHereError

        setattr(self, hook, fail)

    def _note(self, epoch, logs=None):
        self.epoch = epoch


def make(optimizer="adam"):
    hotloop.utils.set_random_seed(7)
    model = hotloop.Sequential(
        [
            hotloop.Input((6,)),
            layers.Dense(5, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def others(folder):
    return [
        callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", patience=1, factor=0.5, min_delta=0.02),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        callbacks.CSVLogger(folder / "log.csv"),
        callbacks.ModelCheckpoint(
            folder / "best.safetensors", save_weights_only=True, save_best_only=True
        ),
    ]


ARGUMENTS = {"batch_size": 8, "epochs": 4, "verbose": 0, "validation_split": 0.1}


def result(model, folder):
    optimizer = [v.numpy() for v in model.optimizer.variables]
    table = (folder / "log.csv").read_bytes() if (folder / "log.csv").exists() else b""
    return [w.tobytes() for w in (*model.get_weights(), *optimizer)], table


def whole_run(folder, **options):
    folder.mkdir()
    model = make()
    model.fit(X, Y, callbacks=others(folder), **{**ARGUMENTS, **options})
    return result(model, folder), model.history.history, model.history.epoch


@pytest.mark.parametrize(
    ("hook", "epoch", "batch"),
    [
        ("on_epoch_end", 0, None),
        ("on_epoch_end", 3, None),
        ("on_train_batch_end", 0, 0),
        ("on_train_batch_end", 1, 3),
        ("on_train_batch_begin", 2, 2),
        ("on_train_batch_end", 3, 4),
    ],
)
@pytest.mark.parametrize("save_freq", ["epoch", 1, 4])
@pytest.mark.parametrize("first", [True, False])
def test_going_on_after_an_exception(tmp_path, hook, epoch, batch, save_freq, first):
    expected, history, epochs = whole_run(tmp_path / "whole")

    def given(*more):
        backup = callbacks.BackupAndRestore(tmp_path / "backup", save_freq=save_freq)
        listed = others(tmp_path)
        return [backup, *listed, *more] if first else [*more, *listed, backup]

    model = make()
    with pytest.raises(StopHereError):
        model.fit(X, Y, callbacks=given(Interrupt(hook, epoch, batch)), **ARGUMENTS)
    model = make()
    found = model.fit(X, Y, callbacks=given(), **ARGUMENTS)
    assert result(model, tmp_path) == expected
    assert found.history == history
    assert found.epoch == epochs
    assert not (tmp_path / "backup").exists()


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": False},
        {"shuffle": "batch"},
        {"steps_per_epoch": 2},
        {"steps_per_epoch": 3, "epochs": 7},
    ],
)
def test_every_order_of_samples(tmp_path, options):
    expected, history, _ = whole_run(tmp_path / "whole", **options)
    arguments = {**ARGUMENTS, **options}
    for at in ((0, 1), (1, 0), (2, 0)):
        given = [callbacks.BackupAndRestore(tmp_path / "b", save_freq=1), *others(tmp_path)]
        with pytest.raises(StopHereError):
            make().fit(X, Y, callbacks=[*given, Interrupt("on_train_batch_end", *at)], **arguments)
    model = make()
    given = [callbacks.BackupAndRestore(tmp_path / "b", save_freq=1), *others(tmp_path)]
    found = model.fit(X, Y, callbacks=given, **arguments)
    assert result(model, tmp_path) == expected
    assert found.history == history


def test_an_early_stop_stays_one(tmp_path):
    """Interrupted after the epoch that ended the training, before its end."""

    def given(*more):
        return [
            callbacks.BackupAndRestore(tmp_path / "b"),
            callbacks.EarlyStopping("loss", min_delta=9, patience=1, restore_best_weights=True),
            *more,
        ]

    whole = make()
    history = whole.fit(X, Y, callbacks=given(), **ARGUMENTS)
    assert history.epoch == [0, 1]

    class End(callbacks.Callback):
        def on_train_end(self, logs=None):
            raise StopHereError

    with pytest.raises(StopHereError):
        make().fit(X, Y, callbacks=given(End()), **ARGUMENTS)
    model = make()
    found = model.fit(X, Y, callbacks=given(), **ARGUMENTS)
    assert (found.epoch, found.history) == ([0, 1], history.history)
    for a, b in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_backup_that_is_kept_is_gone_on_from(tmp_path):
    whole = make()
    whole.fit(X, Y, **ARGUMENTS)
    first, second = make(), make()
    keep = {"delete_checkpoint": False}
    arguments = {**ARGUMENTS, "epochs": 2}
    first.fit(X, Y, callbacks=[callbacks.BackupAndRestore(tmp_path / "b", **keep)], **arguments)
    assert os.listdir(tmp_path / "b") == ["latest.safetensors"]
    history = second.fit(
        X, Y, callbacks=[callbacks.BackupAndRestore(tmp_path / "b", **keep)], **ARGUMENTS
    )
    assert history.epoch == [0, 1, 2, 3]
    for a, b in zip(second.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_callback_of_the_users_own_keeps_what_it_says(tmp_path):
    class Counter(callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.count, self.seen = 0, np.zeros(2, "float64")

        def on_epoch_end(self, epoch, logs=None):
            self.count += 1
            self.seen += 1e-9

        def get_state(self):
            return {"count": self.count, "nested": {"seen": [self.seen, None, "text", True]}}

        def set_state(self, state):
            self.count = state["count"]
            self.seen = state["nested"]["seen"][0].copy()
            assert state["nested"]["seen"][1:] == [None, "text", True]

    counter = Counter()
    with pytest.raises(StopHereError):
        make().fit(
            X,
            Y,
            callbacks=[
                counter,
                callbacks.BackupAndRestore(tmp_path / "b"),
                Interrupt("on_epoch_begin", 2),
            ],
            **ARGUMENTS,
        )
    again = Counter()
    make().fit(X, Y, callbacks=[again, callbacks.BackupAndRestore(tmp_path / "b")], **ARGUMENTS)
    assert again.count == 4
    assert again.seen.tolist() == (np.zeros(2) + 1e-9 + 1e-9 + 1e-9 + 1e-9).tolist()


def backup_of_two_epochs(folder, **options):
    backup = callbacks.BackupAndRestore(folder, **options)
    with pytest.raises(StopHereError):
        make().fit(X, Y, callbacks=[backup, Interrupt("on_epoch_begin", 2)], **ARGUMENTS)


def test_backups_of_other_trainings_are_refused(tmp_path):
    backup_of_two_epochs(tmp_path)
    kept = (tmp_path / "latest.safetensors").read_bytes()
    given = {"callbacks": [callbacks.BackupAndRestore(tmp_path)], **ARGUMENTS}
    with pytest.raises(ValueError, match=r"does not belong.*optimizer.*Delete the folder"):
        make("sgd").fit(X, Y, **given)
    with pytest.raises(ValueError, match=r"'samples': 39.*'samples': 36"):
        make().fit(X[:40], Y[:40], **given)
    with pytest.raises(ValueError, match="'batch_size': 8"):
        make().fit(X, Y, **{**given, "batch_size": 4})
    other = hotloop.Sequential([hotloop.Input((6,)), layers.Dense(3, activation="softmax")])
    other.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"Not in the model: .*dense_1/kernel"):
        other.fit(X, Y, **given)
    for a, b in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (tmp_path / "latest.safetensors").read_bytes() == kept


def test_new_callbacks_begin_anew_and_say_so(tmp_path):
    backup_of_two_epochs(tmp_path)
    given = [callbacks.BackupAndRestore(tmp_path), callbacks.EarlyStopping("loss")]
    with pytest.warns(UserWarning, match="knows nothing of EarlyStopping_0"):
        make().fit(X, Y, callbacks=given, **ARGUMENTS)


def test_a_damaged_backup(tmp_path):
    backup_of_two_epochs(tmp_path)
    path = tmp_path / "latest.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"is damaged.*Delete .* to start the training anew"):
        make().fit(X, Y, callbacks=[callbacks.BackupAndRestore(tmp_path)], **ARGUMENTS)
    for name in os.listdir(tmp_path):
        (tmp_path / name).unlink()
    backup_of_two_epochs(tmp_path, double_checkpoint=True)
    assert sorted(os.listdir(tmp_path)) == ["latest.safetensors", "latest.safetensors.bkp"]
    path.write_bytes(b"nothing")
    whole, model = make(), None
    whole.fit(X, Y, **ARGUMENTS)
    model = make()
    backup = callbacks.BackupAndRestore(tmp_path, double_checkpoint=True)
    with pytest.warns(UserWarning, match="Going on from the backup before it"):
        model.fit(X, Y, callbacks=[backup], **ARGUMENTS)
    for a, b in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("append", [False, True])
def test_rows_after_the_backup_are_written_once(tmp_path, append):
    path = tmp_path / "log.csv"
    path.write_bytes(b"what was there\r\n")
    given = [callbacks.BackupAndRestore(tmp_path / "b", save_freq=7)]  # in the middle of epoch 1
    with pytest.raises(StopHereError):
        make().fit(
            X,
            Y,
            callbacks=[
                *given,
                callbacks.CSVLogger(path, append=append),
                Interrupt("on_epoch_begin", 2),
            ],
            **ARGUMENTS,
        )
    assert len(path.read_bytes().splitlines()) == 3
    given = [callbacks.BackupAndRestore(tmp_path / "b", save_freq=7)]
    make().fit(X, Y, callbacks=[*given, callbacks.CSVLogger(path, append=append)], **ARGUMENTS)
    lines = path.read_text().splitlines()
    assert lines[0].startswith("what was there" if append else "epoch,")
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "2", "3"]


def test_only_its_own_files_go(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / ".latest.safetensors.0011aa.partial").write_text("of a killed process")
    make().fit(X, Y, callbacks=[callbacks.BackupAndRestore(tmp_path)], **ARGUMENTS)
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_arguments():
    with pytest.raises(ValueError, match="Empty `backup_dir`"):
        callbacks.BackupAndRestore("")
    for freq in (False, 0, "batch", 1.5):
        with pytest.raises(ValueError, match="save_freq"):
            callbacks.BackupAndRestore("b", save_freq=freq)
    with pytest.raises(RuntimeError, match=r"works inside Model\.fit"):
        callbacks.CallbackList([callbacks.BackupAndRestore("b")], model=make()).on_train_begin()


PROGRAM = """
import sys
import numpy as np
import hotloop
from hotloop import callbacks, layers

folder, save_freq = sys.argv[1], sys.argv[2]
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 8)).astype("float32")
y = rng.integers(0, 3, size=300).astype("int32")
hotloop.utils.set_random_seed(5)
model = hotloop.Sequential([
    hotloop.Input((8,)),
    layers.Dense(16, activation="relu"),
    layers.Dropout(0.2),
    layers.Dense(3, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
given = [
    callbacks.ReduceLROnPlateau("val_loss", patience=2, factor=0.7),
    callbacks.EarlyStopping("val_loss", patience=50, restore_best_weights=True),
    callbacks.CSVLogger(folder + "/log.csv"),
]
if save_freq != "none":
    save_freq = save_freq if save_freq == "epoch" else int(save_freq)
    given.append(callbacks.BackupAndRestore(folder + "/backup", save_freq=save_freq))
print("going", flush=True)
history = model.fit(x, y, batch_size=16, epochs=40, validation_split=0.1, verbose=0,
                    callbacks=given)
state = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
np.savez(folder + "/result.npz", *state, *history.history.values())
"""


@pytest.mark.slow
@pytest.mark.parametrize("save_freq", ["epoch", "1", "5"])
def test_a_process_that_is_killed_again_and_again(tmp_path, save_freq):
    whole = tmp_path / "whole"
    whole.mkdir()
    subprocess.run([sys.executable, "-c", PROGRAM, str(whole), "none"], check=True)
    draw, kills = random.Random(save_freq), 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), save_freq], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        process.stdout.close()
        if kills < 6:
            # Sooner or later than the last time, by how far it has come.
            time.sleep(draw.uniform(0.02, 0.12))
            process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills += 1
    with np.load(whole / "result.npz") as expected, np.load(tmp_path / "result.npz") as found:
        assert expected.files == found.files
        for name in expected.files:
            assert expected[name].tobytes() == found[name].tobytes()
    assert (whole / "log.csv").read_bytes() == (tmp_path / "log.csv").read_bytes()
    assert not (tmp_path / "backup").exists()
    assert kills


class Sequence(hotloop.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, i):
        return X[i * 8 : i * 8 + 8], Y[i * 8 : i * 8 + 8]


def generator():
    while True:
        for i in range(5):
            yield X[i * 8 : i * 8 + 8], Y[i * 8 : i * 8 + 8]


SOURCES = {
    "PyDataset": (lambda: Sequence(), {}),
    "PyDataset, some steps": (lambda: Sequence(), {"steps_per_epoch": 2, "epochs": 6}),
    "generator": (generator, {"steps_per_epoch": 3}),
}


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_sources_of_batches(tmp_path, source, save_freq):
    new, options = SOURCES[source]
    arguments = {"epochs": 5, "verbose": 0, **options}
    whole = make()
    history = whole.fit(new(), **arguments).history
    for at in ((0, 1), (1, 1), (2, 0), (3, 1)):
        given = [
            callbacks.BackupAndRestore(tmp_path, save_freq=save_freq),
            Interrupt("on_train_batch_end", *at),
        ]
        with pytest.raises(StopHereError):
            make().fit(new(), callbacks=given, **arguments)
    model = make()
    backup = callbacks.BackupAndRestore(tmp_path, save_freq=save_freq)
    assert model.fit(new(), callbacks=[backup], **arguments).history == history
    for a, b in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def averaging():
    return hotloop.optimizers.Adam(
        hotloop.optimizers.schedules.CosineDecay(0.01, 20),
        use_ema=True,
        ema_overwrite_frequency=7,
        gradient_accumulation_steps=2,
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        averaging,
        lambda: hotloop.optimizers.LossScaleOptimizer(
            hotloop.optimizers.SGD(0.1, momentum=0.9), initial_scale=64.0, dynamic_growth_steps=3
        ),
    ],
)
def test_optimizers_with_more_to_remember(tmp_path, optimizer):
    def train(*given):
        hotloop.utils.set_random_seed(4)
        model = hotloop.Sequential(
            [
                hotloop.Input((6,)),
                layers.BatchNormalization(),
                layers.GaussianNoise(0.1),
                layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(X, Y, callbacks=list(given), **ARGUMENTS)
        return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]

    expected = train()
    for at in ((0, 2), (2, 1)):
        with pytest.raises(StopHereError):
            train(
                callbacks.BackupAndRestore(tmp_path, save_freq=1),
                Interrupt("on_train_batch_end", *at),
            )
    found = train(callbacks.BackupAndRestore(tmp_path, save_freq=1))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
