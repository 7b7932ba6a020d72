"""Callbacks: what looks on, and steps in, while a model trains."""

from kerasish.callbacks.callback import Callback
from kerasish.callbacks.container import CallbackList
from kerasish.callbacks.csv_logger import CSVLogger
from kerasish.callbacks.early_stopping import EarlyStopping
from kerasish.callbacks.history import History
from kerasish.callbacks.lambda_callback import LambdaCallback
from kerasish.callbacks.model_checkpoint import ModelCheckpoint
from kerasish.callbacks.progress import ProgbarLogger
from kerasish.callbacks.schedules import LearningRateScheduler, ReduceLROnPlateau
from kerasish.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
