"""The page of a comparison, and its picture: complete, offline, and drawn by a real browser."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import attrs
import pytest
from browser import opened
from made_up import result, workload

from bide.lab.columns import strategies_of
from bide.lab.comparison import Comparison
from bide.lab.figures import unit_for

pytest.importorskip("altair", reason="charts need the extra 'lab'")
pytest.importorskip("vl_convert", reason="charts need the extra 'lab'")

from bide.lab.report.compare_page import compare_page
from bide.lab.report.picture import compare_png
from bide.lab.report.plane import Axis, Plane
from bide.lab.report.strips import strips
from bide.lab.report.symbols import symbols_for

pytestmark = pytest.mark.slow

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">'&amp;"
"""What a strategy may be called, if its user likes."""

LONG = "mixture([0.9,0.09,0.01],[uniform(1s,2s),lognormal(median=1m,sigma=0.5),lognormal(median=1h,sigma=1)])"
PHONE = 390  # pixels; Chromium may take more

HOVER = """<script>
setTimeout(() => {
  const mark = document.querySelector("#workload-1 .mark-symbol path");
  const at = { bubbles: true, clientX: 9, clientY: 9 };
  mark.dispatchEvent(new PointerEvent("pointerover", at));
  mark.dispatchEvent(new PointerEvent("pointermove", at));
  document.querySelectorAll("#workload-1 th button")[2].click();
  document.body.dataset.fits = document.documentElement.scrollWidth <= innerWidth;
}, 2000);
</script>"""


def found() -> Comparison:
    """Return two workloads; on the second, one strategy gives up on half of the jobs."""
    names = (HOSTILE, "a", "b")
    return Comparison(
        workloads=(
            workload(*(result(name, 18.5 + n, 5, se=0.1) for n, name in enumerate(names)), name="first"),
            workload(
                *(result(name, 10.0 + n, 5, timed_out=0.3 * n) for n, name in enumerate(names)), name=LONG
            ),
        )
    )


class Reader(HTMLParser):
    """Collects the tags of a page with their attributes, and the texts of its data."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        if tag == "script" and attributes.get("type") == "application/json" and data.strip():
            self.data.append(json.loads(data))


@pytest.fixture(scope="module")
def page() -> str:
    """The page of the comparison above."""
    return compare_page(found(), setting={"seed": "0", HOSTILE: HOSTILE})


@pytest.fixture(scope="module")
def seen(page: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What Chromium on a phone makes of the page, once a mark was pointed at; and what it said meanwhile."""
    return opened(page, tmp_path_factory.mktemp("page"), then=HOVER, width=PHONE)


def test_the_page_asks_nothing_of_any_server(page: str) -> None:
    """Nothing is loaded from anywhere, and the browser is told to let nothing be loaded."""
    reader = Reader()
    reader.feed(page)
    links = [each.get(name) or "" for _, each in reader.tags for name in ("src", "href", "action", "data")]
    assert all(link == "" or link.startswith("#") for link in links)
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in reader.tags}
    policies = [each["content"] for _, each in reader.tags if "http-equiv" in each]
    assert policies == [
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'"
    ]
    assert "@import" not in page
    assert "url(" not in page.split("</style>", maxsplit=1)[0]


def test_the_page_has_every_figure_without_a_script(page: str) -> None:
    """Tables, names and charts' data stand in it; what has no number is no NaN."""
    reader = Reader()
    reader.feed(page)
    assert len(reader.data) == 4
    strategies = [each["data-strategy"] for _, each in reader.tags if "data-strategy" in each]
    assert strategies == [HOSTILE, "a", "b", HOSTILE, "a", "b"]
    assert "NaN" not in page.split("<script>", maxsplit=1)[0]


def test_chromium_draws_the_charts(seen: tuple[str, str]) -> None:
    """All charts have their marks, as many as there are strategies and polls; nothing is complained of."""
    dom, said = seen
    assert 'data-drawn="all"' in dom
    assert dom.count('aria-roledescription="point"') == 3 + 2  # one gives up on 60 %: it has no place
    assert dom.count('aria-roledescription="tick"') == 6 * 10
    assert "CONSOLE" not in said


def test_pointing_at_a_mark_tells_its_figures(seen: tuple[str, str]) -> None:
    """The figures show, the same strategy is marked in the table, and the table can be sorted."""
    dom, _ = seen
    tip = dom.partition('role="tooltip"')[2].partition("</div>")[0]
    assert "<b>&lt;/script&gt;&lt;img" in tip
    assert "<dt>excess</dt><dd>9.25</dd>" in tip
    assert dom.count('class="picked"') == 1
    assert 'aria-sort="ascending"' in dom.partition(">calls<")[0].rpartition("<th")[2]


def test_a_phone_scrolls_no_page_sideways(seen: tuple[str, str]) -> None:
    """However long the name of a workload is."""
    dom, _ = seen
    assert 'data-fits="true"' in dom


def test_a_name_is_never_markup(page: str, seen: tuple[str, str]) -> None:
    """A name that looks like markup shows as it is, and does nothing."""
    assert "<img" not in page.split("<script>", maxsplit=1)[0]
    dom, _ = seen
    assert "<title>What 3 strategies cost on 2 workloads</title>" in dom
    assert "<img" not in dom.partition("</footer>")[0]


def test_the_picture_is_a_png() -> None:
    """Two workloads stand side by side: it is wider than it is high."""
    picture = compare_png(found())
    assert picture.startswith(b"\x89PNG\r\n")
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    assert width > 2 * height


def test_nothing_to_compare_is_drawn_all_the_same() -> None:
    """Where all give up, and where the first poll sees every end at once, there is a page all the same."""
    never = workload(result("a", 4, 1, timed_out=1.0))
    at_once = workload(result("a", 1, 0))
    html = compare_page(Comparison(workloads=(never, at_once)), setting={}, notes=["Mind this."])
    assert "give up on half of the jobs or more: a." in html
    assert html.count("at the left edge have no lag at all") == 1
    assert html.count("Mind this.") == 1


def test_the_headline_names_neither_the_late_nor_one_of_equals() -> None:
    """Two calls where one would do are not the closest to the least; and all who are farthest are named."""
    late, good, *bad = result("late", 2, 20), result("good", 12, 4), result("a", 18, 5), result("b", 18, 5)
    html = compare_page(Comparison(workloads=(workload(late, good, *bad),)), setting={})
    assert "Closest to the least possible: <strong>good</strong>" in html
    assert "Farthest from it: <strong>a and b</strong>" in html


@pytest.mark.parametrize(
    ("times", "sign"),
    [((0.0, 60.0, 120.0), "…"), ((0.0, 30.0, 200.0), "… 200 s"), ((0.0, 50.0), "")],
)
def test_a_schedule_beyond_the_chart_goes_on(times: tuple[float, ...], sign: str) -> None:
    """The next look is named where nothing else shows that there is one: the chart ends at 109 s."""
    chart = strips(workload(attrs.evolve(result("a", 3, 2), schedule=times)), symbols_for(["a"]))
    drawn = json.dumps(chart.to_dict(), ensure_ascii=False)
    assert f'"sign": "{sign}"' in drawn


def test_symbols_differ_in_colour_or_shape() -> None:
    """Sixty-six strategies have as many symbols, and a strategy has the same one everywhere."""
    rows = [result(str(n), 3, 2) for n in range(66)]
    symbols = symbols_for(strategies_of(Comparison(workloads=(workload(*rows), workload(*rows[::-1])))))
    assert list(symbols) == [str(n) for n in range(66)]
    assert len(set(symbols.values())) == 66


def test_an_axis_has_ticks_also_where_little_happens() -> None:
    """Between 6 and 12 as many as there is room for; over decades, one or three each."""
    few, some, many = (
        Axis("lag", *ends).encoding()["axis"].values for ends in ((6, 12), (0.1, 9), (1e-3, 1e6))
    )
    assert few == [6, 7, 8, 9, 10]
    assert some == [0.1, 0.2, 0.5, 1, 2, 5]
    assert many == [10.0**n for n in range(-3, 7)]


def test_the_line_of_the_least_has_room_for_its_name() -> None:
    """Where it falls as fast as the lag grows, it still ends well above the axis, beyond the last mark."""
    falling = workload(result("a", 20.0, 5.0))
    plane = Plane.around(falling.results, falling.mean, unit_for(falling.mean))
    assert plane.line(falling.frontier, 1)[-1]["calls"] > 1.25 * plane.calls.least
