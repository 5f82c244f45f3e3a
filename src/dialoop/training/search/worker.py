"""One worker of a search, a process of its own: `python -m dialoop.training.search.worker`, told what to do on its
standard input as one JSON object. It ends with the search that began it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from dialoop.errors import DialoopError


def main() -> int:
    """Work through trials. Gives 0, 128 + the signal that ended it, or 2 after a message on standard error."""
    told = json.loads(sys.stdin.readline())
    import torch

    from dialoop.training.search.folder import SearchFolder
    from dialoop.training.search.study import open_study
    from dialoop.training.search.trials import Trials
    from dialoop.training.stopping import stop_signal

    torch.set_num_threads(told["threads"])
    folder = SearchFolder(Path(told["folder"]))
    plan = folder.plan().model_copy(update={"trials": told["trials"]})
    until = None if told["seconds"] is None else time.monotonic() + told["seconds"]
    try:
        with stop_signal() as stop:
            study = open_study(folder, plan, told["storage"], seed=told["seed"])
            stopped = Trials(folder, plan, study, _say, until=until, parent=told["parent"]).work(stop)
    except DialoopError as error:
        _say(f"dialoop: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if stopped is None else 128 + stopped


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
