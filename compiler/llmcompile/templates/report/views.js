// The views by name: each says how much a search leaves of it, and draws that where the page has it not as HTML.

function sizes(asked) {
  const left = data.sizes.filter(([kind, owner]) => holds(`${kind} ${owner}`.toLowerCase(), asked));
  const draw = () => {
    const body = make("tbody");
    const heads = ["owner", "document", "bytes", "free", "line"].map((each) => make("th", { scope: "col" }, each));
    const outer = make(
      "div",
      { class: "scroll" },
      make("table", { class: "stacks" }, make("thead", {}, make("tr", {}, ...heads)), body),
    );
    lazily(body, left, ([kind, owner, size, file, line]) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, owner),
        make("td", {}, kind),
        make("td", { class: "number" }, size.toLocaleString("en")),
        make(
          "td",
          {},
          make("meter", {
            min: 0,
            max: data.room,
            high: data.room * 0.8,
            value: size,
            "aria-label": `${kind} of ${owner}`,
          }),
          ` ${Math.floor(100 * (1 - size / data.room))}% free`,
        ),
        make("td", {}, place(file, line)),
      ),
    );
    return outer;
  };
  return { count: left.length, draw };
}

const written = (view) => (asked) => {
  // what the page has as HTML
  let count = 0;
  for (const item of $(view).querySelectorAll("[data-item]")) {
    item.hidden = !holds(item.textContent.toLowerCase(), asked);
    count += !item.hidden;
  }
  return { count };
};

const VIEWS = {
  overview: written("overview"),
  fleet,
  chains: chained,
  prices: written("prices"),
  access,
  sizes,
  calendar: written("calendar"),
};
