"""The `prepare` stage: from `data/raw/<source>` to the store in `data/prepared`."""

from ganflow.base.files import whole_folder
from ganflow.base.paths import PREPARED, RAW
from ganflow.config.data import DataParams
from ganflow.data.prepare import prepare


def run(data: DataParams) -> None:
    with whole_folder(PREPARED) as store:
        prepare(data, RAW, store)
