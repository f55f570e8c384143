"""Watch a model overfit: one-hot labels, validation in every epoch, loss curves.

Writes loss-curves.png into the current folder. The environment variables EPOCHS and DATASET (mnist,
fashion_mnist, synthetic_digits) change what is done.
"""

import os

import hotloop as keras
from hotloop import plot
from hotloop.layers import Dense, Flatten
from hotloop.utils import to_categorical

keras.utils.set_random_seed(1)  # the last epochs go up and down: the same curves every time

epochs = int(os.environ.get("EPOCHS", "10"))
dataset = getattr(keras.datasets, os.environ.get("DATASET", "mnist"))

(train_images, train_labels), (test_images, test_labels) = dataset.load_data()
train_images = train_images.reshape((60000, 28, 28, 1)).astype("float32") / 255
test_images = test_images.reshape((10000, 28, 28, 1)).astype("float32") / 255
train_labels = to_categorical(train_labels)
test_labels = to_categorical(test_labels)

model = keras.models.Sequential()
model.add(keras.Input(shape=(28, 28, 1)))
model.add(Flatten())
model.add(Dense(512, activation="relu"))
model.add(Dense(10, activation="softmax"))
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])

history = model.fit(
    train_images,
    train_labels,
    epochs=epochs,
    batch_size=64,
    validation_data=(test_images, test_labels),
)
print("History:", ", ".join(sorted(history.history)))
print(f"Training loss: {history.history['loss'][-1]:.4f}")

figure = plot.curves(history, metrics=["loss"])
figure.savefig("loss-curves.png")

test_loss, test_accuracy = model.evaluate(test_images, test_labels)
print(f"Test accuracy: {test_accuracy:.4f}")
