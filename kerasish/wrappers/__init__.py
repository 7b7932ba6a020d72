"""Models as estimators of scikit-learn: in its pipelines, searches and cross-validations.

They need the package scikit-learn (1.6 or newer): `pip install scikit-learn`. The wrappers of
Keras 2 are in `wrappers.scikit_learn`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerasish.compat.modules import attributes as older_attributes
from kerasish.utils.optional import needed

if TYPE_CHECKING:
    from kerasish.wrappers.estimators import SKLearnClassifier as SKLearnClassifier
    from kerasish.wrappers.estimators import SKLearnRegressor as SKLearnRegressor
    from kerasish.wrappers.estimators import SKLearnTransformer as SKLearnTransformer

# Looked up when first used, as scikit-learn is imported then, which may not be there.
_NAMES = ("SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer")


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        return older_attributes(__name__)(name)
    needed("sklearn", f"wrappers.{name}", "scikit-learn")
    from kerasish.wrappers import estimators

    globals()[name] = value = getattr(estimators, name)
    return value


def __dir__() -> list[str]:
    return list(_NAMES)
