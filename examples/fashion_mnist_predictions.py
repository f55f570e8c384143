"""Recognise clothes: train, evaluate, turn logits into probabilities, look at predictions.

Writes fashion-mnist-predictions.png into the current folder. The environment variables EPOCHS and
DATASET (fashion_mnist, mnist, synthetic_digits) change what is done.
"""

import os

import numpy as np

import hotloop as keras
from hotloop import plot

epochs = int(os.environ.get("EPOCHS", "10"))
dataset = getattr(keras.datasets, os.environ.get("DATASET", "fashion_mnist"))

(train_images, train_labels), (test_images, test_labels) = dataset.load_data()
train_images = train_images / 255.0
test_images = test_images / 255.0

model = keras.Sequential(
    [
        keras.Input(shape=(28, 28)),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10),
    ]
)
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train_images, train_labels, epochs=epochs)

test_loss, test_accuracy = model.evaluate(test_images, test_labels, verbose=2)
print("Test accuracy:", test_accuracy)

# The same weights with a Softmax behind them give probabilities.
probability_model = keras.Sequential([model, keras.layers.Softmax()])
predictions = probability_model.predict(test_images)
print("First image:", dataset.class_names[np.argmax(predictions[0])])
print("Its label:", dataset.class_names[test_labels[0]])

figure = plot.predictions(test_images, test_labels, predictions, dataset.class_names)
figure.savefig("fashion-mnist-predictions.png")

# One image alone is a batch of one.
image = np.expand_dims(test_images[1], 0)
single = probability_model.predict(image)
print("Second image:", dataset.class_names[np.argmax(single[0])], single.shape)
