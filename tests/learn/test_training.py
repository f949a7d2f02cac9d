"""Strategies that learn, beside the others in a comparison."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import frozen

from bide import ConfigError, Limits, Policy, Situation
from bide.cli.app import run
from bide.config import default_strategy
from bide.lab import Entrant, Workload, compare
from bide.lab.distributions import Uniform
from bide.lab.mixed import Samples
from bide.lab.report.compare_page import compare_page
from bide_strategies import Fixed, Learned

pytestmark = pytest.mark.slow

UNLIMITED = Limits(max_attempts=None, timeout=None)
UNIFORM = Workload("uniform", Uniform(5.0, 15.0))


@frozen
class Parrot:
    """Looks only when jobs ended that it was trained on, so that of these it sees the end at once."""

    heard: tuple[float, ...] = ()

    @property
    def is_trained(self) -> bool:
        return False

    def trained(self, durations: Sequence[float]) -> "Parrot":
        return Parrot(tuple(sorted(durations)))

    def delay(self, situation: Situation, u: float) -> float:
        later = [time for time in self.heard if time > situation.elapsed + 1e-9]
        return later[0] - situation.elapsed if later else 1000.0


def test_excess_falls_as_jobs_become_known() -> None:
    """After none it is the fallback's, after a hundred it is near 1."""
    learned = Entrant("learned", Policy(Learned(call_cost=0.5), UNLIMITED))
    seed = Entrant("seed", Policy(default_strategy(), UNLIMITED))
    found = compare([learned, seed], [UNIFORM], curve=(0, 10, 100)).workloads[0]
    results = {result.strategy: result for result in found.results}
    assert [each.jobs for each in found.learning] == [0, 10, 100]
    none, few, many = (each.result for each in found.learning)
    assert none.calls == pytest.approx(results["seed"].calls, rel=1e-6)
    assert (none.excess or 0) > 5
    assert 1 < (many.excess or 0) < 1.1 < (few.excess or 0) < 1.4
    assert many == results["learned"]


def test_measured_jobs_are_not_judged_on_themselves() -> None:
    """Who only knows the jobs that it was trained on does badly on the others."""
    measured = Workload("measured", Samples(tuple(5 + n / 20 for n in range(200))))
    parrot = Entrant("parrot", Policy(Parrot(), UNLIMITED))
    [result] = compare([parrot], [measured], trained_on=1000).workloads[0].results
    assert result.lag_mean > 0.01


def test_one_that_knows_of_jobs_is_judged_as_it_is() -> None:
    """It is not trained again, so its figures are exact."""
    durations = [5.0, 6.0, 8.0, 9.0, 11.0, 12.0, 13.0, 14.0]
    for learned in (Learned(durations=durations, call_cost=0.5), Learned(call_cost=0.5).trained(durations)):
        entrants = [
            Entrant("learned", Policy(learned, UNLIMITED)),
            Entrant("fixed", Policy(Fixed(), UNLIMITED)),
        ]
        found = compare(entrants, [UNIFORM], curve=(10,)).workloads[0]
        assert found.learning == ()
        assert [result.calls_se for result in found.results] == [0, 0]


def test_the_number_of_jobs_has_bounds() -> None:
    """A training on a negative number of jobs is refused by name."""
    entrant = Entrant("learned", Policy(Learned(call_cost=0.5), UNLIMITED))
    with pytest.raises(ConfigError, match="trained_on: must be a whole number >= 0"):
        compare([entrant], [UNIFORM], trained_on=-1)


def test_the_command_says_on_what_it_trained(capsys: pytest.CaptureFixture[str]) -> None:
    """In a note, and in what the figures depend on."""
    unlimited = ["--max-attempts", "none", "--timeout", "none"]
    assert run(["compare", "learned(call_cost=500ms)", "--trained-on", "10", "--json", *unlimited]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trained_on"] == 10
    [note] = found["notes"]
    assert note.startswith("Trained on 10 jobs of the workload and judged on others, 20 times over: learned(")


def test_by_name_alone_it_learns_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its curve is in the page."""
    page = tmp_path / "page.html"
    assert run(["compare", "learned", "--trained-on", "10", "--html", str(page)]) == 0
    assert "Trained on 10 jobs" in capsys.readouterr().out
    assert "Excess after ever more jobs, on uniform" in page.read_text()


def test_the_page_draws_the_learning_curve() -> None:
    """As another chart of the workload."""
    entrants = [Entrant("learned", Policy(Learned(call_cost=0.5), UNLIMITED))]
    page = compare_page(compare(entrants, [UNIFORM], trained_on=10, curve=(10,)), setting={})
    assert "How they learn" in page
    assert "Excess after ever more jobs, on uniform" in page
