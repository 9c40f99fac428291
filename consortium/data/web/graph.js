// The page of a compatibility graph. Texts of the register are only ever shown by textContent.
"use strict";
(() => {
  const MOST_ROWS = 200, MOST_MATCHES = 8, ZOOM = 1.3;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("graph-data").textContent);
  const { firms, groups, map } = data;
  const svg = byId("picture");
  const weights = data.criteria.map(([, weight]) => weight);
  const pairs = data.pairs.map(([a, b, score, reason, modes, ...parts]) =>
    ({ a, b, score, reason: data.reasons[reason], modes, parts }));
  const key = (a, b) => Math.min(a, b) * firms.length + Math.max(a, b);
  const pairOf = new Map(pairs.map((pair) => [key(pair.a, pair.b), pair]));
  const whyNot = new Map();
  for (let i = 0; i < data.apart.length; i += 4) {
    const [a, b, score, why] = data.apart.slice(i, i + 4);
    whyNot.set(key(a, b), { score, why: data.whys[why] });
  }
  const state = { least: 0, focus: null, chosen: [], group: null, sort: "score", down: true };

  // -- making elements ---------------------------------------------------------------------------
  function el(name, attributes = {}, ...children) {
    return fill(document.createElement(name), attributes, children);
  }
  function draw(name, attributes = {}, ...children) {
    return fill(document.createElementNS(svg.namespaceURI, name), attributes, children);
  }
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children); // strings become text, never markup
    return node;
  }

  // -- words -------------------------------------------------------------------------------------
  // One decimal as elsewhere in the product: exact ties go to the even digit.
  const percent = (bp) => `${((bp % 100 === 25 ? bp - 5 : bp) / 100).toFixed(1)}%`;
  const number = (n) => n.toLocaleString("en-US");
  const count = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
  const named = (firm) => `${firm.id} ${firm.name}`;
  const kept = () => pairs.filter((pair) => pair.score >= state.least);
  function partners(at) {
    const found = new Set();
    for (const pair of kept()) {
      if (pair.a === at) found.add(pair.b);
      if (pair.b === at) found.add(pair.a);
    }
    return found;
  }

  // -- the picture -------------------------------------------------------------------------------
  const edges = draw("path", { class: "edges" });
  const lit = draw("path", { class: "lit" });
  const own = groups.map((group) => draw("path", {
    class: "own", stroke: group.colour, "stroke-dasharray": group.dash || "none" }));
  const nodes = firms.map(firmNode);

  function line(a, b) {
    return `M${firms[a].x} ${firms[a].y}L${firms[b].x} ${firms[b].y}`;
  }
  function firmNode(firm, at) {
    const family = data.families[firm.main];
    const group = groups[firm.group];
    const node = draw("g", { class: "firm", role: "button", tabindex: at ? -1 : 0, "aria-pressed": "false",
      transform: `translate(${firm.x} ${firm.y})` },
      draw("circle", { class: "halo", r: firm.r + 4.5 }),
      draw("circle", { r: firm.r, fill: family.colour }));
    if (group) node.append(draw("circle", { class: "ring", r: firm.r + 1.5, stroke: group.colour,
      "stroke-dasharray": group.dash || "none" }));
    node.append(draw("text", { y: 3.6, "font-size": 10.5, fill: family.ink }, family.short));
    if (map.ids || group) {
      const words = [map.ids ? firm.id : "", group ? group.id : ""].filter(Boolean).join(" · ");
      const shown = words.length > 16 ? `${words.slice(0, 15)}…` : words;
      node.append(draw("text", { class: group ? "id member" : "id", y: firm.r + 12.5 }, shown));
    }
    node.addEventListener("pointerenter", () => look(at));
    node.addEventListener("pointerleave", () => look(null));
    node.addEventListener("focus", () => look(at));
    node.addEventListener("blur", () => look(null));
    node.addEventListener("click", () => choose(at));
    node.addEventListener("keydown", (event) => press(event, at));
    return node;
  }
  function paint() {
    const ground = byId("ground");
    for (const part of [ground, svg]) part.setAttribute("viewBox", `0 0 ${map.width} ${map.height}`);
    for (let x = 40; x < map.width; x += 80) ground.append(draw("path", { class: "grid", d: `M${x} 0V${map.height}` }));
    for (let y = 40; y < map.height; y += 80) ground.append(draw("path", { class: "grid", d: `M0 ${y}H${map.width}` }));
    for (const [, x, y, radius] of map.towns) ground.append(draw("circle", { class: "town", cx: x, cy: y, r: radius }));
    ground.append(edges);
    svg.append(...own, lit, ...nodes);
    for (const [label, x, y, radius] of map.towns)
      svg.append(draw("text", { class: "town-name", x, y: y - radius - 6 }, label));
    if (map.row) svg.append(draw("text", { class: "town-name row-name", x: map.row[1], y: map.row[2] + 6 }, map.row[0]));
    groups.forEach((group, at) => own[at].setAttribute("d", group.members.flatMap((a, i) =>
      group.members.slice(i + 1).map((b) => line(a, b))).join("")));
  }
  function paintEdges() {
    const shown = kept();
    edges.setAttribute("d", shown.map((pair) => line(pair.a, pair.b)).join(""));
    edges.setAttribute("opacity", Math.min(0.55, Math.max(0.12, 6 / Math.sqrt(1 + shown.length))));
    const numbers = new Array(firms.length).fill(0);
    for (const pair of shown) { numbers[pair.a] += 1; numbers[pair.b] += 1; }
    nodes.forEach((node, at) => node.setAttribute("aria-label", spoken(firms[at], numbers[at])));
  }
  function spoken(firm, degree) {
    const group = groups[firm.group];
    const families = firm.families.map((f) => data.families[f].label).join(", ");
    return [named(firm), firm.town, firm.employees, families, count(degree, "partner"),
      ...(group ? [`in ${group.id}`] : [])].join("; ");
  }
  // Which firms stand out: partners of the one looked at, a group's members, or what was searched.
  function mark() {
    const at = state.focus ?? (state.chosen.length === 1 ? state.chosen[0] : null);
    let bright = null;
    if (at !== null) bright = partners(at);
    else if (state.group !== null) bright = new Set(groups[state.group].members);
    else if (state.chosen.length === 2) bright = new Set(state.chosen);
    lit.setAttribute("d", at !== null ? [...bright].map((b) => line(at, b)).join("")
      : state.chosen.length === 2 && pairOf.has(key(...state.chosen)) ? line(...state.chosen) : "");
    svg.classList.toggle("looking", bright !== null);
    own.forEach((path, g) => path.classList.toggle("on", at === null && g === state.group));
    nodes.forEach((node, i) => {
      const chosen = state.chosen.includes(i);
      node.classList.toggle("partner", bright !== null && bright.has(i) && i !== at);
      node.classList.toggle("other", bright !== null && !bright.has(i) && i !== at && !chosen);
      node.classList.toggle("chosen", chosen);
      node.setAttribute("aria-pressed", String(chosen));
    });
  }
  let width = 0;
  function zoom(factor) {
    const room = byId("stage").clientWidth;
    const most = Math.max(2.5 * map.width, room);
    width = Math.min(most, Math.max(Math.min(room, map.width) / 2, width * factor));
    byId("sheet").style.width = `${width}px`;
    byId("sheet").style.height = `${(width * map.height) / map.width}px`;
  }

  // -- looking and choosing ----------------------------------------------------------------------
  function look(at) {
    state.focus = at;
    mark();
    panel();
  }
  // First and second firm; a third takes the second's place, the first again begins anew.
  function choose(at) {
    const [first] = state.chosen;
    if (first === at) state.chosen = [];
    else if (first === undefined) state.chosen = [at];
    else state.chosen = state.chosen[1] === at ? [first] : [first, at];
    mark();
    panel();
    announce();
  }
  function announce() {
    const [a, b] = state.chosen;
    if (a === undefined) byId("announce").textContent = "No firm is chosen.";
    else if (b === undefined) byId("announce").textContent = `${named(firms[a])} is chosen. Choose a second firm.`;
    else byId("announce").textContent = `${named(firms[a])} and ${named(firms[b])}. ${verdict(a, b).join(" ")}`;
  }
  function verdict(a, b) {
    const pair = pairOf.get(key(a, b));
    if (pair) return [`Can be in one consortium: score ${percent(pair.score)}.`, pair.reason];
    const not = whyNot.get(key(a, b));
    return [`Cannot be in one consortium${not ? `: score ${percent(not.score)}` : ""}.`, not ? not.why : ""];
  }
  function press(event, at) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Enter" || event.key === " ") choose(at);
    else if (event.key === "Escape") { state.chosen = []; mark(); panel(); announce(); }
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(firms.length - 1);
    else if (step) go(nearest(at, step));
    else return;
    event.preventDefault();
  }
  // The nearest firm in a direction; sideways steps count double.
  function nearest(at, [dx, dy]) {
    let best = at, least = Infinity;
    firms.forEach((firm, i) => {
      const x = firm.x - firms[at].x, y = firm.y - firms[at].y;
      const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (ahead > 0.5 && ahead + 2 * aside < least) { best = i; least = ahead + 2 * aside; }
    });
    return best;
  }
  function go(at) {
    nodes.forEach((node, i) => node.setAttribute("tabindex", i === at ? 0 : -1));
    nodes[at].focus();
  }

  // -- the panel ---------------------------------------------------------------------------------
  function panel() {
    const [a, b] = state.chosen;
    const parts = [];
    if (b !== undefined) parts.push(pairPart(a, b));
    const at = state.focus ?? (b === undefined ? a : undefined);
    if (at !== undefined) parts.push(firmPart(at));
    const hint = a === undefined ? "Point at a firm to see its partners. Click a firm and then a second one to see whether the two can be in one consortium."
      : b === undefined ? `${named(firms[a])} is chosen. Click a second firm.` : null;
    if (hint) parts.push(el("p", { class: "quiet hint" }, hint));
    if (a !== undefined) {
      const clear = el("button", { type: "button" }, "Start over");
      clear.addEventListener("click", () => { state.chosen = []; look(null); announce(); });
      parts.push(clear);
    }
    byId("panel").replaceChildren(...parts);
  }
  function firmPart(at) {
    const firm = firms[at], group = groups[firm.group];
    const facts = [["Id", firm.id], ["Town", firm.town], ["Size", firm.employees],
      ["Sells", firm.families.map((f) => data.families[f].label).join(", ")],
      ["Partners", number(partners(at).size)]];
    if (firm.notes.length) facts.push(["Also", firm.notes.join(", ")]);
    if (group) facts.push(["Plan", `in ${group.id}`]);
    return el("section", {}, el("h3", {}, firm.name),
      el("dl", {}, ...facts.flatMap(([label, text]) => [el("dt", {}, label), el("dd", {}, text)])));
  }
  function pairPart(a, b) {
    const pair = pairOf.get(key(a, b));
    const [answer, why] = verdict(a, b);
    const part = el("section", {}, el("h3", {}, `${named(firms[a])} and ${named(firms[b])}`),
      el("p", { class: `verdict ${pair ? "yes" : "no"}` }, answer), el("p", {}, why));
    if (pair && data.modes.length > 1)
      part.append(el("p", { class: "quiet" }, pair.modes.map((m) => data.modes[m]).join("; ")));
    if (pair) part.append(points(pair));
    return part;
  }
  function points(pair) {
    const rows = data.criteria.map(([label, weight], i) => {
      const bar = el("i");
      bar.style.width = `${pair.parts[i] / 100}%`;
      return el("tr", {}, el("th", { scope: "row" }, label),
        el("td", { "aria-hidden": "true" }, el("span", { class: "bar" }, bar)),
        el("td", { class: "number" },
          `${((weights[i] * pair.parts[i]) / 1e6).toFixed(1)} of ${(weight / 100).toFixed(1)}`));
    });
    const most = weights.reduce((sum, weight) => sum + weight, 0);
    rows.push(el("tr", { class: "sum" }, el("th", { scope: "row" }, "score"), el("td"),
      el("td", { class: "number" }, `${percent(pair.score).slice(0, -1)} of ${(most / 100).toFixed(1)}`)));
    return el("table", { class: "points" }, el("caption", { class: "hidden" }, "Points of each criterion"),
      el("tbody", {}, ...rows));
  }

  // -- search, slider, legend, consortia ---------------------------------------------------------
  function search() {
    const words = byId("search").value.trim().toLowerCase();
    const found = words ? firms.map((_, at) => at).filter((at) => named(firms[at]).toLowerCase().includes(words)) : [];
    nodes.forEach((node, at) => node.classList.toggle("match", found.includes(at)));
    byId("found").textContent = words ? `${count(found.length, "firm")} found${found.length > MOST_MATCHES ? `; the first ${MOST_MATCHES}:` : "."}` : "";
    byId("matches").replaceChildren(...found.slice(0, MOST_MATCHES).map((at) => {
      const button = el("button", { type: "button" }, named(firms[at]));
      button.addEventListener("click", () => { choose(at); nodes[at].scrollIntoView({ block: "nearest", inline: "nearest" }); });
      button.addEventListener("focus", () => look(at));
      button.addEventListener("blur", () => look(null));
      return el("li", {}, button);
    }));
  }
  let resting = 0;
  function slide() {
    state.least = Number(byId("least").value);
    byId("least").setAttribute("aria-valuetext", percent(state.least));
    byId("least-value").textContent = percent(state.least);
    const shown = kept().length;
    byId("kept").textContent = `${number(shown)} of ${count(pairs.length, "pair")} shown.`;
    paintEdges();
    mark();
    // Rows are made when the hand rests.
    clearTimeout(resting);
    resting = setTimeout(() => { panel(); table(); }, 120);
  }
  function legend() {
    const used = [...new Set(firms.map((firm) => firm.main))].sort((a, b) => a - b);
    const rows = used.map((f) => {
      const family = data.families[f];
      return el("li", {}, draw("svg", { width: 24, height: 24, viewBox: "-12 -12 24 24", "aria-hidden": "true" },
        draw("circle", { r: 11, fill: family.colour, stroke: "#1f2933", "stroke-width": 0.8 }),
        draw("text", { y: 3.6, "font-size": 10.5, "font-weight": 600, "text-anchor": "middle", fill: family.ink }, family.short)),
        `mostly ${family.label}`);
    });
    rows.push(el("li", {}, draw("svg", { width: 34, height: 24, viewBox: "-10 -12 34 24", "aria-hidden": "true" },
      draw("circle", { cx: -4, r: 5, fill: "#d8dee4", stroke: "#1f2933" }),
      draw("circle", { cx: 13, r: 10, fill: "#d8dee4", stroke: "#1f2933" })), "larger: more employees"));
    for (const group of groups) rows.push(el("li", {},
      draw("svg", { width: 26, height: 26, viewBox: "-13 -13 26 26", "aria-hidden": "true" },
        draw("circle", { r: 10, fill: "#fff", stroke: group.colour, "stroke-width": 3.2, "stroke-dasharray": group.dash || "none" })),
      `member of ${group.id}`));
    byId("legend").append(...rows);
  }
  function consortia() {
    byId("consortia").hidden = groups.length === 0;
    groups.forEach((group, at) => {
      const show = el("button", { type: "button" }, "Show in the picture");
      const turn = (on) => () => { state.group = on ? at : null; mark(); };
      show.addEventListener("focus", turn(true));
      show.addEventListener("pointerenter", turn(true));
      show.addEventListener("blur", turn(false));
      show.addEventListener("pointerleave", turn(false));
      show.addEventListener("click", () => { turn(true)(); svg.scrollIntoView({ block: "nearest" }); });
      const members = [...group.members.map((m) => named(firms[m])), ...group.strange.map((id) => `${id} (not in the picture)`)];
      const item = el("li", {}, el("h3", {}, group.heading), el("p", {}, group.surplus), el("p", {}, members.join(", ")), show);
      item.style.borderColor = group.colour;
      byId("groups").append(item);
    });
  }

  // -- the table of pairs ------------------------------------------------------------------------
  const sortKeys = { a: (p) => named(firms[p.a]), b: (p) => named(firms[p.b]), score: (p) => p.score, reason: (p) => p.reason };
  function table() {
    const all = kept();
    const strongest = all.slice(0, MOST_ROWS); // pairs come strongest first
    const value = sortKeys[state.sort], turn = state.down ? -1 : 1;
    const order = (p, q) => (value(p) < value(q) ? -turn : value(p) > value(q) ? turn : 0);
    byId("pairs").replaceChildren(...strongest.sort(order).map(row));
    const more = all.length - strongest.length;
    byId("pairs-note").textContent = more > 0
      ? `The ${number(strongest.length)} strongest pairs; ${number(more)} more are weaker. Each heading sorts the table.`
      : `${count(all.length, "pair")}. Each heading sorts the table.`;
    for (const button of document.querySelectorAll("[data-sort]")) {
      const sorted = button.dataset.sort === state.sort;
      button.parentElement.setAttribute("aria-sort", sorted ? (state.down ? "descending" : "ascending") : "none");
    }
  }
  function row(pair) {
    const show = el("button", { type: "button", "aria-label": `Points of ${firms[pair.a].id} and ${firms[pair.b].id}` }, "Points");
    show.addEventListener("click", () => {
      state.chosen = [pair.a, pair.b];
      look(null); announce();
      byId("panel").scrollIntoView({ block: "nearest" });
    });
    return el("tr", {}, el("td", {}, named(firms[pair.a])), el("td", {}, named(firms[pair.b])),
      el("td", { class: "score number" }, percent(pair.score)), el("td", { class: "why" }, pair.reason), el("td", { class: "show" }, show));
  }

  // -- beginning ---------------------------------------------------------------------------------
  const scores = pairs.map((pair) => pair.score);
  const range = byId("least");
  range.max = scores.length ? scores[0] : 10000;
  range.min = scores.length ? scores[scores.length - 1] : 0;
  range.value = range.min;
  range.disabled = scores.length === 0;
  range.addEventListener("input", slide);
  byId("search").addEventListener("input", search);
  byId("search").addEventListener("keydown", (event) => {
    const first = event.key === "Enter" && byId("matches").querySelector("button");
    if (first) first.click();
  });
  byId("larger").addEventListener("click", () => zoom(ZOOM));
  byId("smaller").addEventListener("click", () => zoom(1 / ZOOM));
  for (const button of document.querySelectorAll("[data-sort]")) button.addEventListener("click", () => {
    state.down = button.dataset.sort === state.sort ? !state.down : button.dataset.sort === "score";
    state.sort = button.dataset.sort;
    table();
  });
  paint();
  legend();
  consortia();
  slide();
  panel();
  table();
  // The whole picture at first, unless its letters would be too small to read.
  const fit = () => {
    const stage = byId("stage");
    const high = (Math.max(420, 0.74 * window.innerHeight) * map.width) / map.height;
    width = Math.max(0.62 * map.width, Math.min(stage.clientWidth, 1.6 * map.width, high));
    zoom(1);
  };
  window.addEventListener("resize", fit);
  fit();
})();
