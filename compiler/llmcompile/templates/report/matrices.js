// The two matrices: accounts by models, and callers by models.

const cellText = (seat, name) => {
  const answer = seat.answers.get(name);
  return make("span", { class: `cell ${answer.state}` }, `${SIGNS[answer.state]} ${sides(seat, answer)}`.trim());
};

const grouped = seats.some((seat) => seat.groups.length);

function fleet(asked) {
  const [left, shown] = narrow(seats, columns, asked);
  if (!left.length || !shown.length) return { count: 0 };
  const heads = ["account", ...shown.map((each) => each.name), ...(grouped ? ["route groups"] : [])];
  const names = (seat, column) =>
    shown[column] ? [shown[column].code].filter((name) => seat.answers.has(name)) : seat.groups;
  const draw = () =>
    grid(
      "Accounts by models",
      heads,
      left,
      (seat) =>
        make(
          "th",
          { scope: "row" },
          make("b", {}, seat.account.id),
          make("small", {}, `${seat.region}, ${seat.account.source}`),
        ),
      (seat, column) => {
        const there = names(seat, column);
        const words = there.map((name) => {
          const answer = seat.answers.get(name);
          return `${data.names[name]}: ${WORDS[answer.state](answer.gone)}, ${sides(seat, answer)}`;
        });
        const inside = there.flatMap((name) =>
          shown[column] ? [cellText(seat, name)] : [`${data.names[name]} `, cellText(seat, name), " "],
        );
        return make(
          "td",
          { "aria-label": words.join("; ") || (shown[column] ? "may not be called" : "none") },
          ...(inside.length ? inside : [make("span", { class: "cell none" }, "·")]),
        );
      },
      (seat, column) => {
        if (column < 0) showAccount(seat);
        else if (names(seat, column).length) showNames(seat, names(seat, column));
      },
    );
  return { count: left.length, draw };
}

const callers = accounts.flatMap((account) =>
  account.callers.map(([kind, name, line, which]) => ({
    account,
    kind,
    name,
    line,
    may: allowed[which],
    find: `${account.id} ${kind} ${name}`.toLowerCase(),
  })),
);
const groupNames = (caller) => [...caller.may].filter((name) => !codes.has(name));

function access(asked) {
  const [left, shown] = narrow(callers, columns, asked);
  if (!left.length || !shown.length) return { count: 0 };
  const heads = ["who", ...shown.map((each) => each.name), ...(grouped ? ["route groups"] : [])];
  const draw = () =>
    grid(
      "Callers by models",
      heads,
      left,
      (caller) =>
        make(
          "th",
          { scope: "row" },
          make("b", {}, caller.kind === "account" ? caller.account.id : caller.name),
          make("small", {}, caller.kind === "account" ? "account" : `${caller.kind} of ${caller.account.id}`),
        ),
      (caller, column) => {
        if (!shown[column])
          return make(
            "td",
            {},
            groupNames(caller)
              .map((name) => data.names[name])
              .join(", ") || make("span", { class: "cell none" }, "·"),
          );
        const may = caller.may.has(shown[column].code);
        return make(
          "td",
          { "aria-label": may ? "may call it" : "may not" },
          make("span", { class: may ? "cell survives" : "cell none" }, may ? "✓" : "·"),
        );
      },
      (caller) =>
        show(
          caller.name,
          make("p", {}, `${caller.kind} of ${caller.account.id} `, place(caller.account.file, caller.line)),
          make(
            "p",
            {},
            caller.may.size
              ? `May call ${[...caller.may].map((name) => data.names[name]).join(", ")}.`
              : "May call nothing.",
          ),
        ),
    );
  return { count: left.length, draw };
}
