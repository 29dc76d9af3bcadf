"""The `extractor` stage: the classifiers whose features measure every model."""

from collections.abc import Sequence

import keras

from ganflow.base.files import whole_folder
from ganflow.base.paths import EXTRACTOR, PREPARED
from ganflow.base.runtime import RuntimeParams, configure
from ganflow.base.store import open_store
from ganflow.config.extractor import ExtractorParams
from ganflow.features.evaluators import train_extractors


def run(
    runtime: RuntimeParams,
    extractor: ExtractorParams,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    configure(runtime)
    store = open_store(PREPARED)
    with whole_folder(EXTRACTOR) as folder:
        train_extractors(store, extractor, folder, callbacks)
