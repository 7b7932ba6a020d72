"""`python -m kerasish` is the command `kerasish`."""

import sys

from kerasish.cli import main

sys.exit(main())
