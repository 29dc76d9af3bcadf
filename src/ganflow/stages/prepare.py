"""The `prepare` stage: from `data/raw/<source>` to the store in `data/prepared`."""

from ganflow.datasets.preparing import prepare
from ganflow.files import whole_folder
from ganflow.layout import PREPARED, RAW
from ganflow.params.data import Data


def run(data: Data) -> None:
    with whole_folder(PREPARED) as store:
        prepare(data, RAW, store)
