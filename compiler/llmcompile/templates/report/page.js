"use strict";
// Draws what is too large to be written out: fleet, chains, access, sizes. All text is set as text, never as HTML.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const CHUNK = 100; // rows drawn at once; the next ones when they come into sight, or are asked for by keys
  const MOST = 2000; // rows drawn in one go by a jump or for a printer: beyond, a browser stands still for seconds
  const SIGNS = { survives: "●", fallback: "◐", falls: "▲", unserved: "✕" };
  const WORDS = {
    survives: () => "survives any one outage",
    fallback: () => "left to a fallback by one outage",
    falls: (gone) => `stranded by one outage: ${gone}`,
    unserved: () => "nothing serves it",
  };

  // --- elements

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
    return make("span", { class: "place" }, shown, make("button", { type: "button", class: "copy", "data-copy": at, "aria-label": `Copy ${at}` }, "copy"));
  }

  const say = (text) => { $("status").textContent = text; };
  const plural = (count, one) => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;

  // --- the data, by name

  const pairs = (flat) => new Map(flat.flatMap((each, at) => (at % 2 ? [] : [[each, flat[at + 1]]])));
  const endpoint = (file) => ([label, provider, host, geo, line, served]) => ({ label, provider, host, geo, file, line, served: pairs(served) });
  const regions = new Map(data.regions.map((each) => [each.name, { ...each, endpoints: each.endpoints.map(endpoint(each.file)) }]));
  const accounts = data.accounts.map((each) => ({ ...each, endpoints: each.endpoints.map(endpoint(each.file)) }));
  const models = data.models.map((each) => ({ ...each, name: data.names[each.code] }));
  const codes = new Set(models.map((each) => each.code));
  const answers = data.answers.map(([state, gone, hops]) => ({ state, gone, hops: [...pairs2(hops)] }));
  const rows = data.rows.map((flat) => new Map([...pairs(flat)].map(([name, which]) => [name, answers[which]])));
  const allowed = data.allowed.map((each) => new Set(each));

  function* pairs2(flat) { // unlike pairs, a model may come twice
    for (let at = 0; at < flat.length; at += 2) yield [flat[at], flat[at + 1]];
  }

  const seats = accounts.flatMap((account) => account.seats.map(([region, line, must, row]) => ({
    account, region, line, must, row, answers: rows[row], groups: [...rows[row].keys()].filter((name) => !codes.has(name)),
    find: [account.id, region, account.source, account.tier, ...account.endpoints.map((one) => `${one.label} ${one.host}`)].join(" ").toLowerCase(),
  })));
  const at = (seat, position) => seat.account.endpoints[position] ?? regions.get(seat.region).endpoints[position - seat.account.endpoints.length];

  // --- search

  const terms = () => (($("search").value.toLowerCase().match(/"[^"]*"|\S+/g)) ?? []).map((each) => each.replaceAll('"', "")).filter(Boolean);
  const holds = (text, asked) => asked.every((term) => text.includes(term));

  function narrow(all, columns, asked) { // a term that some row has narrows rows, any other one columns
    const ofRows = asked.filter((term) => all.some((row) => row.find.includes(term)));
    const ofColumns = asked.filter((term) => !ofRows.includes(term));
    return [all.filter((row) => holds(row.find, ofRows)), columns.filter((column) => holds(column.find, ofColumns))];
  }

  const columns = models.map((each) => ({ ...each, find: [each.name, each.type, ...each.groups].join(" ").toLowerCase() }));

  // --- drawing by and by

  function lazily(host, items, draw) { // returns what draws up to a position; at most CHUNK are drawn at first
    let drawn = 0;
    const sentinel = make("div", { class: "sentinel" });
    const upTo = (end) => {
      const stop = Math.min(items.length, end);
      const fragment = document.createDocumentFragment();
      for (; drawn < stop; drawn += 1) fragment.append(draw(items[drawn], drawn));
      host.append(fragment);
      if (drawn < items.length) observer.observe(sentinel); else { observer.disconnect(); sentinel.remove(); }
    };
    const observer = new IntersectionObserver((seen) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      observer.unobserve(sentinel); // observed again after drawing, it reports again while it is in sight
      upTo(drawn + CHUNK);
    }, { rootMargin: "800px" });
    (host.closest("table") ?? host).after(sentinel);
    upTo(CHUNK);
    drawAll = () => {
      upTo(MOST);
      if (items.length > MOST) say(`The first ${plural(MOST, "row")} of ${items.length.toLocaleString("en")}; a search narrows them.`);
    };
    return (end) => { // the rows that are drawn then
      upTo(Math.min(end, drawn + MOST));
      return drawn;
    };
  }

  let drawAll = () => {};
  window.addEventListener("beforeprint", () => drawAll());

  function grid(label, heads, items, rowHead, cell, open) {
    const body = make("tbody");
    const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col", role: "columnheader" }, name)));
    const table = make("table", { role: "grid", "aria-label": label, "aria-rowcount": items.length + 1, "aria-colcount": heads.length }, make("thead", {}, head), body);
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
        ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
        PageUp: [row - 10, column], PageDown: [row + 10, column],
        Home: [event.ctrlKey ? 0 : row, 0], End: [event.ctrlKey ? items.length - 1 : row, heads.length - 1],
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

  // --- chains

  const sides = (seat, answer) => (answer.hops.length ? at(seat, answer.hops[0][1]).label.split(":")[0] : "");

  function chain(seat, name, answer) {
    if (!answer.hops.length) return make("p", {}, "no endpoint");
    return make("ol", { class: "chain" }, ...answer.hops.map(([model, position]) => {
      const one = at(seat, position);
      const item = make("li", {}, make("b", {}, one.label), ` ${one.provider}, ${one.host}${one.geo ? `, ${one.geo}` : ""} `);
      if (model !== name) item.append(make("span", { class: "tag" }, `${codes.has(name) ? "fallback " : ""}${data.names[model]}`), " ");
      item.append(place(one.file, one.served.get(model) ?? one.line));
      return item;
    }));
  }

  const standing = (answer) => make("span", {}, make("span", { class: `cell ${answer.state}`, "aria-hidden": "true" }, SIGNS[answer.state]), ` ${WORDS[answer.state](answer.gone)}`);

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
      const callers = seat.account.callers.filter(([kind,,, which]) => kind === "key" && allowed[which].has(name)).map(([, key]) => key);
      return [
        ...(names.length > 1 ? [make("h3", {}, data.names[name])] : []), ...(group ? [make("p", {}, `Route group, ${group}.`)] : []), chain(seat, name, answer), make("p", {}, standing(answer)),
        make("p", { class: "dim" }, callers.length ? `Keys that may call it: ${callers.join(", ")}.` : keyed ? "No key may call it." : "The account has no keys."),
      ];
    });
    const demand = seat.must ? [make("p", {}, `Must survive ${plural(seat.must, "outage")} at once.`)] : [];
    show(names.length === 1 ? `${data.names[names[0]]} for ${whose}` : whose, ...inside, ...demand, make("p", {}, "The account is there by ", place(seat.account.file, seat.line)));
  }

  function showAccount(seat) {
    const { account } = seat;
    const own = account.endpoints.map((one) => make("li", {}, make("b", {}, one.label), ` ${one.provider}, ${one.host} `, place(account.file, one.line)));
    show(account.id, make("p", {}, `Source ${account.source}, ${account.tier ? `tier ${account.tier}` : "no tier"} `, place(account.file, account.line)),
      make("p", {}, account.endpoints.length ? "Endpoints of its own:" : "No endpoints of its own."), make("ul", {}, ...own),
      make("p", {}, make("a", { href: `#chains?q=${encodeURIComponent(account.id)}` }, "Its chains")));
  }

  // --- views: each draws what a search leaves, and counts it

  const cellText = (seat, name) => {
    const answer = seat.answers.get(name);
    return make("span", { class: `cell ${answer.state}` }, `${SIGNS[answer.state]} ${sides(seat, answer)}`.trim());
  };

  const grouped = seats.some((seat) => seat.groups.length);

  function fleet(asked) {
    const [left, shown] = narrow(seats, columns, asked);
    if (!left.length || !shown.length) return { count: 0 };
    const heads = ["account", ...shown.map((each) => each.name), ...(grouped ? ["route groups"] : [])];
    const names = (seat, column) => (shown[column] ? [shown[column].code].filter((name) => seat.answers.has(name)) : seat.groups);
    const draw = () => grid("Accounts by models", heads, left,
      (seat) => make("th", { scope: "row" }, make("b", {}, seat.account.id), make("small", {}, `${seat.region}, ${seat.account.source}`)),
      (seat, column) => {
        const there = names(seat, column);
        const words = there.map((name) => `${data.names[name]}: ${WORDS[seat.answers.get(name).state](seat.answers.get(name).gone)}, ${sides(seat, seat.answers.get(name))}`);
        const inside = there.flatMap((name) => (shown[column] ? [cellText(seat, name)] : [`${data.names[name]} `, cellText(seat, name), " "]));
        return make("td", { "aria-label": words.join("; ") || (shown[column] ? "may not be called" : "none") }, ...(inside.length ? inside : [make("span", { class: "cell none" }, "·")]));
      },
      (seat, column) => {
        if (column < 0) showAccount(seat);
        else if (names(seat, column).length) showNames(seat, names(seat, column));
      });
    return { count: left.length, draw };
  }

  const alike = new Map();
  for (const seat of seats) {
    const key = JSON.stringify([seat.region, seat.row, seat.account.endpoints.map((one) => one.label), seat.account.groups, seat.must]);
    if (!alike.has(key)) alike.set(key, []);
    alike.get(key).push(seat);
  }
  const chains = [...alike.values()].flatMap((group) => {
    const [seat] = group;
    const whose = group.map((each) => each.find).join("\n");
    return [{ group, items: [...seat.answers].map(([name, answer]) => ({
      name, answer, whose,
      text: [data.names[name], WORDS[answer.state](answer.gone), ...answer.hops.map(([model, position]) => `${data.names[model]} ${at(seat, position).label} ${at(seat, position).host}`)].join(" ").toLowerCase(),
    })) }];
  });

  function drawGroup({ group, items }, asked) {
    const hit = group.find((each) => asked.some((term) => each.account.id.includes(term))) ?? group[0];
    const section = make("section", { class: "group" });
    const title = group.length === 1 ? hit.account.id : `${hit.account.id} and ${plural(group.length - 1, "account")} alike`;
    section.append(make("h3", {}, `${title} `, make("span", { class: "dim" }, `in ${hit.region}, source ${hit.account.source}`)));
    if (hit.must) section.append(make("p", {}, `Must survive ${plural(hit.must, "outage")} at once.`));
    if (group.length === 1) section.append(place(hit.account.file, hit.line));
    else {
      const details = make("details", {}, make("summary", {}, `${plural(group.length, "account")}`));
      details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1) details.append(make("ul", {}, ...group.map((each) => make("li", {}, `${each.account.id} `, place(each.account.file, each.line)))));
      });
      section.append(details);
    }
    const body = items.map(({ name, answer }) => make("tr", {}, make("th", { scope: "row" }, data.names[name]),
      make("td", {}, ...(hit.account.groups[data.names[name]] ? [make("p", {}, hit.account.groups[data.names[name]])] : []), chain(hit, name, answer)), make("td", {}, standing(answer))));
    const heads = ["name", "chain", "survival"].map((each) => make("th", { scope: "col" }, each));
    section.append(make("table", { class: "stacks" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body)));
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

  const callers = accounts.flatMap((account) => account.callers.map(([kind, name, line, which]) => ({
    account, kind, name, line, may: allowed[which], find: `${account.id} ${kind} ${name}`.toLowerCase(),
  })));
  const groupNames = (caller) => [...caller.may].filter((name) => !codes.has(name));

  function access(asked) {
    const [left, shown] = narrow(callers, columns, asked);
    if (!left.length || !shown.length) return { count: 0 };
    const heads = ["who", ...shown.map((each) => each.name), ...(grouped ? ["route groups"] : [])];
    const draw = () => grid("Callers by models", heads, left,
      (caller) => make("th", { scope: "row" }, make("b", {}, caller.kind === "account" ? caller.account.id : caller.name), make("small", {}, caller.kind === "account" ? "account" : `${caller.kind} of ${caller.account.id}`)),
      (caller, column) => {
        if (!shown[column]) return make("td", {}, groupNames(caller).map((name) => data.names[name]).join(", ") || make("span", { class: "cell none" }, "·"));
        const may = caller.may.has(shown[column].code);
        return make("td", { "aria-label": may ? "may call it" : "may not" }, make("span", { class: may ? "cell survives" : "cell none" }, may ? "✓" : "·"));
      },
      (caller) => show(caller.name, make("p", {}, `${caller.kind} of ${caller.account.id} `, place(caller.account.file, caller.line)),
        make("p", {}, caller.may.size ? `May call ${[...caller.may].map((name) => data.names[name]).join(", ")}.` : "May call nothing.")));
    return { count: left.length, draw };
  }

  function sizes(asked) {
    const left = data.sizes.filter(([kind, owner]) => holds(`${kind} ${owner}`.toLowerCase(), asked));
    const draw = () => {
      const body = make("tbody");
      const heads = ["owner", "document", "bytes", "free", "line"].map((each) => make("th", { scope: "col" }, each));
      const outer = make("div", { class: "scroll" }, make("table", { class: "stacks" }, make("thead", {}, make("tr", {}, ...heads)), body));
      lazily(body, left, ([kind, owner, size, file, line]) => make("tr", {}, make("th", { scope: "row" }, owner), make("td", {}, kind), make("td", { class: "number" }, size.toLocaleString("en")),
        make("td", {}, make("meter", { min: 0, max: data.room, high: data.room * 0.8, value: size, "aria-label": `${kind} of ${owner}` }), ` ${Math.floor(100 * (1 - size / data.room))}% free`),
        make("td", {}, place(file, line))));
      return outer;
    };
    return { count: left.length, draw };
  }

  const written = (view) => (asked) => { // what the page has as HTML
    let count = 0;
    for (const item of $(view).querySelectorAll("[data-item]")) {
      item.hidden = !holds(item.textContent.toLowerCase(), asked);
      count += !item.hidden;
    }
    return { count };
  };

  const VIEWS = { overview: written("overview"), fleet, chains: chained, prices: written("prices"), access, sizes, calendar: written("calendar") };

  // --- the address says the view and the search; the rest follows

  function route() {
    const [, name, query] = /^#?(\w*)(?:\?q=(.*))?$/.exec(location.hash) ?? [];
    let asked = (query ?? "").replaceAll("+", " ");
    try { asked = decodeURIComponent(asked); } catch { /* somebody wrote the address by hand */ }
    return [Object.hasOwn(VIEWS, name) ? name : "overview", asked];
  }

  function render() {
    const [current] = route();
    const asked = terms();
    drawAll = () => {};
    for (const [name, view] of Object.entries(VIEWS)) {
      const section = $(name);
      section.hidden = name !== current;
      const link = document.querySelector(`[data-view="${name}"]`);
      if (name === current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      link.href = `#${name}${asked.length ? `?q=${encodeURIComponent($("search").value)}` : ""}`;
      const found = view(asked);
      link.querySelector(".hits").textContent = asked.length ? found.count.toLocaleString("en") : "";
      const host = section.querySelector(".drawn");
      if (host) host.replaceChildren();
      if (name !== current) continue;
      if (host) host.append(found.count ? found.draw() : make("p", {}, asked.length ? "Nothing matches." : "There is none."));
      say(asked.length ? `${plural(found.count, "match").replace("matchs", "matches")} in ${name}` : "");
    }
  }

  function arrive() {
    $("search").value = route()[1];
    $("details").close();
    render();
  }

  window.addEventListener("hashchange", () => { arrive(); $("main").focus({ preventScroll: true }); window.scrollTo(0, 0); });
  $("search").addEventListener("input", () => {
    const [current] = route();
    const text = $("search").value;
    history.replaceState(null, "", `#${current}${text ? `?q=${encodeURIComponent(text)}` : ""}`);
    render();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input") && !$("details").open) {
      event.preventDefault();
      $("search").focus();
    } else if (event.key === "Escape" && event.target === $("search")) {
      $("search").value = "";
      $("search").dispatchEvent(new Event("input"));
    }
  });
  document.addEventListener("click", (event) => {
    const text = event.target.closest("[data-copy]")?.dataset.copy;
    if (text) navigator.clipboard?.writeText(text).then(() => say(`Copied ${text}`), () => say(`Copy by hand: ${text}`));
  });
  $("close").addEventListener("click", () => $("details").close());

  // --- the theme

  const THEMES = ["auto", "light", "dark"];
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  function theme(name) {
    if (name === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
    $("theme").textContent = `Theme: ${name}`;
    try { localStorage.setItem("theme", name); } catch { /* it is then forgotten */ }
  }
  theme(THEMES.includes(remembered()) ? remembered() : "auto");
  $("theme").addEventListener("click", () => theme(THEMES[(THEMES.indexOf($("theme").textContent.slice(7)) + 1) % THEMES.length]));

  arrive();
})();
