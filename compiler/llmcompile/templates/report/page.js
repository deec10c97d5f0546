// The address says the view and the search; everything follows it. And the theme.

function route() {
  const [, name, query] = /^#?(\w*)(?:\?q=(.*))?$/.exec(location.hash) ?? [];
  let asked = (query ?? "").replaceAll("+", " ");
  try {
    asked = decodeURIComponent(asked);
  } catch {
    /* somebody wrote the address by hand */
  }
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
    if (name === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.href = `#${name}${asked.length ? `?q=${encodeURIComponent($("search").value)}` : ""}`;
    const found = view(asked);
    link.querySelector(".hits").textContent = asked.length ? found.count.toLocaleString("en") : "";
    const host = section.querySelector(".drawn");
    if (host) host.replaceChildren();
    if (name !== current) continue;
    if (host)
      host.append(found.count ? found.draw() : make("p", {}, asked.length ? "Nothing matches." : "There is none."));
    say(asked.length ? `${plural(found.count, "match").replace("matchs", "matches")} in ${name}` : "");
  }
}

function arrive() {
  $("search").value = route()[1];
  $("details").close();
  render();
}

window.addEventListener("hashchange", () => {
  arrive();
  $("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
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
  if (text)
    navigator.clipboard?.writeText(text).then(
      () => say(`Copied ${text}`),
      () => say(`Copy by hand: ${text}`),
    );
});
$("close").addEventListener("click", () => $("details").close());

// --- the theme

const THEMES = ["auto", "light", "dark"];
const remembered = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
};
function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  $("theme").textContent = `Theme: ${name}`;
  try {
    localStorage.setItem("theme", name);
  } catch {
    /* it is then forgotten */
  }
}
theme(THEMES.includes(remembered()) ? remembered() : "auto");
$("theme").addEventListener("click", () =>
  theme(THEMES[(THEMES.indexOf($("theme").textContent.slice(7)) + 1) % THEMES.length]),
);

arrive();
