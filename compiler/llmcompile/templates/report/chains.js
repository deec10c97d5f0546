// Chains: who is tried for a name, in order, and what remains. Accounts of a region that answer alike come once.

const sides = (seat, answer) => (answer.hops.length ? at(seat, answer.hops[0][1]).label.split(":")[0] : "");

function chain(seat, name, answer) {
  if (!answer.hops.length) return make("p", {}, "no endpoint");
  return make(
    "ol",
    { class: "chain" },
    ...answer.hops.map(([model, position]) => {
      const one = at(seat, position);
      const item = make(
        "li",
        {},
        make("b", {}, one.label),
        ` ${one.provider}, ${one.host}${one.geo ? `, ${one.geo}` : ""} `,
      );
      if (model !== name)
        item.append(make("span", { class: "tag" }, `${codes.has(name) ? "fallback " : ""}${data.names[model]}`), " ");
      item.append(place(one.file, one.served.get(model) ?? one.line));
      return item;
    }),
  );
}

const standing = (answer) =>
  make(
    "span",
    {},
    make("span", { class: `cell ${answer.state}`, "aria-hidden": "true" }, SIGNS[answer.state]),
    ` ${WORDS[answer.state](answer.gone)}`,
  );

const alike = new Map();
for (const seat of seats) {
  const key = JSON.stringify([
    seat.region,
    seat.row,
    seat.account.endpoints.map((one) => one.label),
    seat.account.groups,
    seat.must,
  ]);
  if (!alike.has(key)) alike.set(key, []);
  alike.get(key).push(seat);
}
const chains = [...alike.values()].flatMap((group) => {
  const [seat] = group;
  const whose = group.map((each) => each.find).join("\n");
  return [
    {
      group,
      items: [...seat.answers].map(([name, answer]) => ({
        name,
        answer,
        whose,
        text: [
          data.names[name],
          WORDS[answer.state](answer.gone),
          ...answer.hops.map(
            ([model, position]) => `${data.names[model]} ${at(seat, position).label} ${at(seat, position).host}`,
          ),
        ]
          .join(" ")
          .toLowerCase(),
      })),
    },
  ];
});

function drawGroup({ group, items }, asked) {
  const hit = group.find((each) => asked.some((term) => each.account.id.includes(term))) ?? group[0];
  const section = make("section", { class: "group" });
  const title =
    group.length === 1 ? hit.account.id : `${hit.account.id} and ${plural(group.length - 1, "account")} alike`;
  section.append(
    make("h3", {}, `${title} `, make("span", { class: "dim" }, `in ${hit.region}, source ${hit.account.source}`)),
  );
  if (hit.must) section.append(make("p", {}, `Must survive ${plural(hit.must, "outage")} at once.`));
  if (group.length === 1) section.append(place(hit.account.file, hit.line));
  else {
    const details = make("details", {}, make("summary", {}, `${plural(group.length, "account")}`));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1)
        details.append(
          make(
            "ul",
            {},
            ...group.map((each) => make("li", {}, `${each.account.id} `, place(each.account.file, each.line))),
          ),
        );
    });
    section.append(details);
  }
  const body = items.map(({ name, answer }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, data.names[name]),
      make(
        "td",
        {},
        ...(hit.account.groups[data.names[name]] ? [make("p", {}, hit.account.groups[data.names[name]])] : []),
        chain(hit, name, answer),
      ),
      make("td", {}, standing(answer)),
    ),
  );
  const heads = ["name", "chain", "survival"].map((each) => make("th", { scope: "col" }, each));
  section.append(
    make("table", { class: "stacks" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body)),
  );
  return section;
}

function chained(asked) {
  const left = chains.flatMap(({ group, items }) => {
    const found = items.filter((each) => asked.every((term) => each.text.includes(term) || each.whose.includes(term)));
    return found.length ? [{ group, items: found }] : [];
  });
  const draw = () => {
    const host = make("div");
    const outer = make("div", {}, host);
    lazily(host, left, (each) => drawGroup(each, asked));
    return outer;
  };
  return { count: left.reduce((sum, each) => sum + each.items.length, 0), draw };
}
