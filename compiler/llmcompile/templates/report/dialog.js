// What a cell of the fleet opens: everything about it, with its lines.

function show(title, ...inside) {
  $("details-head").textContent = title;
  $("details-body").replaceChildren(...inside);
  $("details").showModal();
}

function showNames(seat, names) {
  const keyed = seat.account.callers.some(([kind]) => kind === "key");
  const whose = `${seat.account.id} in ${seat.region}`;
  const inside = names.flatMap((name) => {
    const answer = seat.answers.get(name);
    const group = seat.account.groups[data.names[name]];
    const callers = seat.account.callers
      .filter(([kind, , , which]) => kind === "key" && allowed[which].has(name))
      .map(([, key]) => key);
    return [
      ...(names.length > 1 ? [make("h3", {}, data.names[name])] : []),
      ...(group ? [make("p", {}, `Route group, ${group}.`)] : []),
      chain(seat, name, answer),
      make("p", {}, standing(answer)),
      make(
        "p",
        { class: "dim" },
        callers.length
          ? `Keys that may call it: ${callers.join(", ")}.`
          : keyed
            ? "No key may call it."
            : "The account has no keys.",
      ),
    ];
  });
  const demand = seat.must ? [make("p", {}, `Must survive ${plural(seat.must, "outage")} at once.`)] : [];
  show(
    names.length === 1 ? `${data.names[names[0]]} for ${whose}` : whose,
    ...inside,
    ...demand,
    make("p", {}, "The account is there by ", place(seat.account.file, seat.line)),
  );
}

function showAccount(seat) {
  const { account } = seat;
  const own = account.endpoints.map((one) =>
    make("li", {}, make("b", {}, one.label), ` ${one.provider}, ${one.host} `, place(account.file, one.line)),
  );
  show(
    account.id,
    make(
      "p",
      {},
      `Source ${account.source}, ${account.tier ? `tier ${account.tier}` : "no tier"} `,
      place(account.file, account.line),
    ),
    make("p", {}, account.endpoints.length ? "Endpoints of its own:" : "No endpoints of its own."),
    make("ul", {}, ...own),
    make("p", {}, make("a", { href: `#chains?q=${encodeURIComponent(account.id)}` }, "Its chains")),
  );
}
