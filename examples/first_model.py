"""A first model: look at the data, build a network layer by layer, train it, measure it.

Writes first-model-data.png into the current folder. The environment variables EPOCHS and DATASET
(fashion_mnist, mnist, synthetic_digits) change what is done.
"""

import os

from matplotlib.figure import Figure

import hotloop as keras

epochs = int(os.environ.get("EPOCHS", "10"))
dataset = getattr(keras.datasets, os.environ.get("DATASET", "fashion_mnist"))

(train_images, train_labels), (test_images, test_labels) = dataset.load_data()
print("Training images:", train_images.shape, train_images.dtype)

figure = Figure(figsize=(10, 10), layout="constrained")
for axis, image, label in zip(
    figure.subplots(5, 5).flat, train_images[:25], train_labels[:25], strict=True
):
    axis.imshow(image, cmap="binary")
    axis.set(xticks=[], yticks=[], xlabel=dataset.class_names[label])
figure.savefig("first-model-data.png")

# Pixels from 0 to 255 become numbers from 0 to 1.
train_images, test_images = train_images / 255.0, test_images / 255.0

model = keras.Sequential()
model.add(keras.Input(shape=(28, 28)))
model.add(keras.layers.Flatten())
model.add(keras.layers.Dense(128, activation="relu"))
model.add(keras.layers.Dense(10))
model.summary()

model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.001),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train_images, train_labels, epochs=epochs)
print("Test accuracy:", model.evaluate(test_images, test_labels, verbose=2)[1])

probability_model = keras.Sequential([model, keras.layers.Softmax()])
for image, label in zip(test_images[:5], test_labels[:5], strict=True):
    probabilities = probability_model.predict(image[None], verbose=0)[0]
    guess = probabilities.argmax()
    print(
        f"{dataset.class_names[label]}: taken for {dataset.class_names[guess]} "
        f"({probabilities[guess]:.0%})"
    )
