// The data by name, and the search over it.

const data = JSON.parse($("data").textContent);
const SIGNS = { survives: "●", fallback: "◐", falls: "▲", unserved: "✕" };
const WORDS = {
  survives: () => "survives any one outage",
  fallback: () => "left to a fallback by one outage",
  falls: (gone) => `stranded by one outage: ${gone}`,
  unserved: () => "nothing serves it",
};

const pairs = (flat) => new Map(flat.flatMap((each, at) => (at % 2 ? [] : [[each, flat[at + 1]]])));
const endpoint =
  (file) =>
  ([label, provider, host, geo, line, served]) => ({ label, provider, host, geo, file, line, served: pairs(served) });
const regions = new Map(
  data.regions.map((each) => [each.name, { ...each, endpoints: each.endpoints.map(endpoint(each.file)) }]),
);
const accounts = data.accounts.map((each) => ({ ...each, endpoints: each.endpoints.map(endpoint(each.file)) }));
const models = data.models.map((each) => ({ ...each, name: data.names[each.code] }));
const codes = new Set(models.map((each) => each.code));
const answers = data.answers.map(([state, gone, hops]) => ({ state, gone, hops: [...pairs2(hops)] }));
const rows = data.rows.map((flat) => new Map([...pairs(flat)].map(([name, which]) => [name, answers[which]])));
const allowed = data.allowed.map((each) => new Set(each));

function* pairs2(flat) {
  // unlike pairs, a model may come twice
  for (let at = 0; at < flat.length; at += 2) yield [flat[at], flat[at + 1]];
}

const seats = accounts.flatMap((account) =>
  account.seats.map(([region, line, must, row]) => ({
    account,
    region,
    line,
    must,
    row,
    answers: rows[row],
    groups: [...rows[row].keys()].filter((name) => !codes.has(name)),
    find: [
      account.id,
      region,
      account.source,
      account.tier,
      ...account.endpoints.map((one) => `${one.label} ${one.host}`),
    ]
      .join(" ")
      .toLowerCase(),
  })),
);
const at = (seat, position) =>
  seat.account.endpoints[position] ?? regions.get(seat.region).endpoints[position - seat.account.endpoints.length];

// --- search

const terms = () =>
  (
    $("search")
      .value.toLowerCase()
      .match(/"[^"]*"|\S+/g) ?? []
  )
    .map((each) => each.replaceAll('"', ""))
    .filter(Boolean);
const holds = (text, asked) => asked.every((term) => text.includes(term));

function narrow(all, columns, asked) {
  // a term that some row has narrows rows, any other one columns
  const ofRows = asked.filter((term) => all.some((row) => row.find.includes(term)));
  const ofColumns = asked.filter((term) => !ofRows.includes(term));
  return [all.filter((row) => holds(row.find, ofRows)), columns.filter((column) => holds(column.find, ofColumns))];
}

const columns = models.map((each) => ({
  ...each,
  find: [each.name, each.type, ...each.groups].join(" ").toLowerCase(),
}));
