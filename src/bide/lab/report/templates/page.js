// Draws the charts, tells what is under the pointer, marks the same strategy everywhere, sorts the tables.
// It is bundled together with Vega, which is known here as `vegaEmbed`.

const tip = document.querySelector(".tip");

function tell(_, event, item, datum) {
  const told = datum?.told;
  tip.hidden = !told;
  if (!told) return;
  const { title, ...figures } = told;
  const list = document.createElement("dl");
  for (const [name, value] of Object.entries(figures)) list.append(element("dt", name), element("dd", value));
  tip.replaceChildren(element("b", title), list);
  place(tip, event);
}

// A name may hold anything, so it only ever becomes text.
function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function place(box, event) {
  const { clientX, clientY } = event.touches ? event.touches[0] : event;
  const { offsetWidth, offsetHeight } = box;
  const left = Math.min(clientX + 14, innerWidth - offsetWidth - 8);
  const top = clientY + 14 + offsetHeight > innerHeight ? clientY - offsetHeight - 14 : clientY + 14;
  box.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
}

async function draw(container) {
  const spec = JSON.parse(document.getElementById(container.dataset.spec).textContent);
  const options = { mode: "vega", renderer: "svg", actions: false, defaultStyle: false, tooltip: tell };
  return (await vegaEmbed(container, spec, options)).view;
}

// Whatever shows a strategy shows in a section which one is picked.
async function connect(section) {
  const views = await Promise.all([...section.querySelectorAll(".chart")].map(draw));
  const rows = [...section.querySelectorAll("tr[data-strategy]")];
  const pick = (strategy = "") => {
    for (const row of rows) row.classList.toggle("picked", row.dataset.strategy === strategy);
    for (const view of views) view.signal("picked", strategy).runAsync();
  };
  for (const row of rows) {
    row.addEventListener("pointerenter", () => pick(row.dataset.strategy));
    row.addEventListener("pointerleave", () => pick());
  }
  for (const view of views) {
    view.addEventListener("pointerover", (_, item) => pick(item?.datum?.strategy));
    view.addEventListener("pointerout", () => pick());
  }
}

function sortable(table) {
  for (const heading of table.querySelectorAll("th[data-column]")) {
    heading.querySelector("button").addEventListener("click", () => sort(table, heading));
  }
}

function sort(table, heading) {
  const descending = heading.ariaSort === "ascending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.ariaSort = null;
  heading.ariaSort = descending ? "descending" : "ascending";
  const body = table.tBodies[table.tBodies.length - 1];
  const value = (row) => row.cells[heading.cellIndex].dataset.value ?? "";
  const compare = (a, b) => (a === "") - (b === "") || order(a, b) * (descending ? -1 : 1);
  body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b))));
}

function order(a, b) {
  const difference = a - b;
  return Number.isNaN(difference) ? a.localeCompare(b) : difference;
}

document.querySelectorAll("table.sortable").forEach(sortable);
Promise.all([...document.querySelectorAll("section")].map(connect)).then(
  () => (document.documentElement.dataset.drawn = "all"),
);
