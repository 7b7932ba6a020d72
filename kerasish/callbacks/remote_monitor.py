"""Sends every epoch's values to a server."""

from __future__ import annotations

import http.client
import json
import urllib.parse
import urllib.request
import warnings

import numpy as np

from kerasish.callbacks.callback import Callback, Logs

# A server that doesn't answer must not hold up the training for long.
_TIMEOUT = 10.0


class RemoteMonitor(Callback):
    """Posts each epoch's number and values to `root + path`, as JSON.

    If the server can't be reached, or refuses, a warning says so and training goes on.

    Args:
        root: the server's address.
        path: where on it.
        field: the form field that holds the JSON.
        headers: HTTP headers to send too.
        send_as_json: send the JSON itself, as `application/json`, instead of a form.

    Example:

        >>> callback = RemoteMonitor("http://localhost:9000", headers={"Token": "x"})
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        values = {name: np.asarray(value).tolist() for name, value in (logs or {}).items()}
        body = json.dumps({"epoch": epoch, **values})
        try:
            urllib.request.urlopen(self._request(body), timeout=_TIMEOUT).close()
        # URLError is an OSError; an address that is none gives ValueError.
        except (OSError, http.client.HTTPException, ValueError) as error:
            warnings.warn(
                f"RemoteMonitor: {self.root}{self.path} could not be told of epoch {epoch + 1}: "
                f"{error}",
                stacklevel=2,
            )

    def _request(self, body: str) -> urllib.request.Request:
        kind = "application/json"
        if not self.send_as_json:
            body = urllib.parse.urlencode({self.field: body})
            kind = "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        return urllib.request.Request(self.root + self.path, body.encode(), headers)
