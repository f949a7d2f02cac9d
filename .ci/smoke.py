"""What must work in the installed wheel, away from the source tree."""

import json
import subprocess
import sys
from pathlib import Path

import bide
import bide_peers
import bide_strategies
from bide.catalogue import catalogue
from bide.http.catalogue import find_mapping, mappings

for package in (bide, bide_peers, bide_strategies):
    home = Path(package.__file__).parent
    assert "site-packages" in home.parts, home
    assert (home / "py.typed").is_file(), home
assert {"seed", "fixed", "exponential", "full-jitter", "decorrelated-jitter"} <= catalogue().keys()
assert all(bide.load_policy(file) for file in catalogue().values())

assert {"azure", "bide", "google-longrunning", "seed"} <= mappings().keys()
assert all(find_mapping(name) for name in mappings())

demo = [sys.executable, "-m", "bide", "demo", "--json", "--jobs", "2", "--durations", "0.2s..0.5s"]
table = json.loads(subprocess.run(demo, stdout=subprocess.PIPE, check=True, timeout=60).stdout)
for row in table["results"]:
    assert row["completed"] + row["failed"] == row["jobs"], row
    assert row["calls"] == row["server_calls"], row
print("the wheel works:", *(f"{row['strategy']} {row['calls']} calls;" for row in table["results"]))
