"""Read handwritten digits: a wide hidden layer, RMSprop, float32 vectors instead of images.

The environment variables EPOCHS and DATASET (mnist, fashion_mnist, synthetic_digits) change what is
done.
"""

import os

import hotloop as keras
from hotloop import layers

epochs = int(os.environ.get("EPOCHS", "5"))
dataset = getattr(keras.datasets, os.environ.get("DATASET", "mnist"))

(train_images, train_labels), (test_images, test_labels) = dataset.load_data()
train_images = train_images.reshape((60000, 28 * 28)).astype("float32") / 255
test_images = test_images.reshape((10000, 28 * 28)).astype("float32") / 255

# Without an input shape: the model is built when it sees the first data.
model = keras.Sequential(
    [layers.Dense(512, activation="relu"), layers.Dense(10, activation="softmax")]
)
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_images, train_labels, epochs=epochs, batch_size=128)

predictions = model.predict(test_images[:10])
digit = predictions[0].argmax()
print(f"First digit: {digit} with probability {predictions[0][digit]:.4f}, label {test_labels[0]}")

test_loss, test_accuracy = model.evaluate(test_images, test_labels)
print(f"Test accuracy: {test_accuracy:.4f}")
