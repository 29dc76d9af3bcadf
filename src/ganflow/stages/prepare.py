"""The `prepare` stage: from `data/raw/<source>` to the store in `data/prepared`."""

import logging

from ganflow.base.files import whole_folder
from ganflow.base.paths import PREPARED, RAW
from ganflow.config.data import DataParams
from ganflow.data.prepare import prepare

LOGGER = logging.getLogger(__name__)


def run(data: DataParams) -> None:
    with whole_folder(PREPARED) as store:
        for inference in prepare(data, RAW, store):
            LOGGER.log(logging.WARNING if inference.doubtful else logging.INFO, inference)
