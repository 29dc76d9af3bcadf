"""The standard error of a Fréchet distance, without resampling.

Of a class there are few images, and of classes there may be many: a bootstrap of each takes a
hundred eigendecompositions, this takes one singular value decomposition.
"""

import numpy as np

from ganflow.features.blas import one_thread
from ganflow.metrics.frechet import Moments


def frechet_error(features: np.ndarray, reference: Moments) -> float:
    """Standard error of the distance of features (n, d) to a fixed reference, over draws of them.

    The infinitesimal jackknife (Efron 1982; the limit is that of Rippl, Munk and Sturm 2016): the
    spread of each row's influence on the distance, over √n. With z a centred row, T the optimal
    transport between the two normal distributions and δ the difference of the means, a row's
    influence is 2·zᵀδ + zᵀz − zᵀTz. The last term is taken from the rows' orthonormal basis, where
    nothing is divided by, so that it holds for fewer rows than features and for equal rows.
    """
    count = len(features)
    mean = features.mean(axis=0, dtype=np.float64)
    rows = features - mean
    with one_thread():
        basis, factor = np.linalg.qr(rows)
        left, roots, _ = np.linalg.svd(factor @ reference.factor.T, full_matrices=False)
        transported = np.sqrt(count - 1) * ((basis @ left) ** 2 @ roots)
        influence = 2.0 * rows @ (mean - reference.mean) + np.sum(rows**2, axis=1) - transported
    return float(np.std(influence, ddof=1) / np.sqrt(count))
