"""The room is light: whoever imports it loads no torch."""

import subprocess
import sys


def test_importing_the_room_loads_no_torch():
    code = "import sys, dialoop.privacy; print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
