"""Callbacks: what looks on, and steps in, while a model trains."""

from kerasish.callbacks.backup import BackupAndRestore
from kerasish.callbacks.base_logger import BaseLogger
from kerasish.callbacks.callback import Callback
from kerasish.callbacks.container import CallbackList
from kerasish.callbacks.csv_logger import CSVLogger
from kerasish.callbacks.early_stopping import EarlyStopping
from kerasish.callbacks.history import History
from kerasish.callbacks.lambda_callback import LambdaCallback
from kerasish.callbacks.model_checkpoint import ModelCheckpoint
from kerasish.callbacks.orbax import OrbaxCheckpoint
from kerasish.callbacks.progress import ProgbarLogger
from kerasish.callbacks.remote_monitor import RemoteMonitor
from kerasish.callbacks.schedules import LearningRateScheduler, ReduceLROnPlateau
from kerasish.callbacks.swap_ema import SwapEMAWeights
from kerasish.callbacks.tensorboard import TensorBoard
from kerasish.callbacks.terminate_on_nan import TerminateOnNaN
from kerasish.compat.modules import attributes as older_attributes

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
__getattr__ = older_attributes(__name__)
