"""Train the classifiers whose features measure every model."""

from ganflow.base.files import whole_folder
from ganflow.base.paths import EXTRACTOR, PREPARED
from ganflow.base.runtime import RuntimeParams, configure, has_bfloat16
from ganflow.base.store import open_store
from ganflow.config.extractor import ExtractorParams
from ganflow.features.classifier import Lessons, epochs_for
from ganflow.features.extractor import accuracy, save_extractor, train_extractor


def run(runtime: RuntimeParams, extractor: ExtractorParams) -> None:
    """Train on the train split, twice: the second one, in `second/`, checks the first.

    `runtime.precision` is for the GAN. Here learning uses bfloat16 products where the processor
    has them, and describing is always float32.
    """
    configure(runtime)
    store = open_store(PREPARED)
    train, test = store.split("train"), store.split("test")
    epochs = epochs_for(len(train.images)) if extractor.epochs == "auto" else extractor.epochs
    with whole_folder(EXTRACTOR) as folder:
        for name, place, seed in (
            ("extractor", folder, extractor.seed),
            ("second extractor", folder / "second", extractor.seed + 1),
        ):
            lessons = Lessons(
                seed, epochs, extractor.batch, extractor.learning_rate, has_bfloat16()
            )
            trained = train_extractor(
                train.images,
                train.labels,
                store.classes,
                extractor.features,
                lessons,
                source=store.card["sha256"],
                what=name,
            )
            found = accuracy(trained, test.images, test.labels)
            save_extractor(place, trained, test_accuracy=found)
            print(f"{name}: {found:.2%} right on the test split", flush=True)
