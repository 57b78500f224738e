"""``python -m nbhitl.cli``."""

import sys

from nbhitl.cli import main

sys.exit(main())
