// How things are drawn: elements, places, rows by and by, a grid for keys. All text is set as text, never as HTML.

const $ = (id) => document.getElementById(id);
const CHUNK = 100; // rows drawn at once; the next ones when they come into sight, or are asked for by keys
const MOST = 2000; // rows drawn in one go by a jump or for a printer: beyond, a browser stands still for seconds

function make(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

function place(file, line) {
  const at = `${file}:${line}`;
  const path = file.split("/").map(encodeURIComponent).join("/");
  const href = data.base.replace("{path}", () => path).replace("{line}", line);
  const shown = href ? make("a", { href }, at) : make("code", {}, at);
  return make(
    "span",
    { class: "place" },
    shown,
    make("button", { type: "button", class: "copy", "data-copy": at, "aria-label": `Copy ${at}` }, "copy"),
  );
}

const say = (text) => {
  $("status").textContent = text;
};
const plural = (count, one) => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;

function lazily(host, items, draw) {
  // returns what draws up to a position; at most CHUNK are drawn at first
  let drawn = 0;
  const sentinel = make("div", { class: "sentinel" });
  const upTo = (end) => {
    const stop = Math.min(items.length, end);
    const fragment = document.createDocumentFragment();
    for (; drawn < stop; drawn += 1) fragment.append(draw(items[drawn], drawn));
    host.append(fragment);
    if (drawn < items.length) observer.observe(sentinel);
    else {
      observer.disconnect();
      sentinel.remove();
    }
  };
  const observer = new IntersectionObserver(
    (seen) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      observer.unobserve(sentinel); // observed again after drawing, it reports again while it is in sight
      upTo(drawn + CHUNK);
    },
    { rootMargin: "800px" },
  );
  (host.closest("table") ?? host).after(sentinel);
  upTo(CHUNK);
  drawAll = () => {
    upTo(MOST);
    if (items.length > MOST)
      say(`The first ${plural(MOST, "row")} of ${items.length.toLocaleString("en")}; a search narrows them.`);
  };
  return (end) => {
    // the rows that are drawn then
    upTo(Math.min(end, drawn + MOST));
    return drawn;
  };
}

let drawAll = () => {};
window.addEventListener("beforeprint", () => drawAll());

function grid(label, heads, items, rowHead, cell, open) {
  const body = make("tbody");
  const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col", role: "columnheader" }, name)));
  const table = make(
    "table",
    { role: "grid", "aria-label": label, "aria-rowcount": items.length + 1, "aria-colcount": heads.length },
    make("thead", {}, head),
    body,
  );
  const scroll = make("div", { class: "scroll" }, table);
  const upTo = lazily(body, items, (item, row) => {
    const cells = heads.map((_, column) => {
      const made = column ? cell(item, column - 1) : rowHead(item);
      made.setAttribute("role", column ? "gridcell" : "rowheader");
      made.tabIndex = row || column ? -1 : 0;
      return made;
    });
    return make("tr", { "aria-rowindex": row + 2 }, ...cells);
  });
  let active = body.querySelector("[tabindex='0']");
  const go = (row, column) => {
    const to = Math.max(0, Math.min(upTo(row + 2) - 1, row));
    active.tabIndex = -1;
    active = body.rows[to].cells[Math.max(0, Math.min(heads.length - 1, column))];
    active.tabIndex = 0;
    active.focus();
  };
  const opened = (of) => open?.(items[of.parentElement.rowIndex - 1], of.cellIndex - 1);
  body.addEventListener("keydown", (event) => {
    const of = event.target.closest("[role='gridcell'], [role='rowheader']");
    if (event.target !== of || event.altKey || event.metaKey) return;
    const [row, column] = [of.parentElement.rowIndex - 1, of.cellIndex];
    const moves = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      PageUp: [row - 10, column],
      PageDown: [row + 10, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? items.length - 1 : row, heads.length - 1],
    };
    if (moves[event.key]) go(...moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") opened(of);
    else return;
    event.preventDefault();
  });
  body.addEventListener("click", (event) => {
    const of = event.target.closest("[role='gridcell'], [role='rowheader']");
    if (!of || event.target.closest("a, button")) return;
    go(of.parentElement.rowIndex - 1, of.cellIndex);
    opened(of);
  });
  return scroll;
}
