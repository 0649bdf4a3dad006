"use strict";
// Draws the data that lies in #figure-data as SVG, sorts tables, and shows the same member everywhere at once.
// No storage and no network: inside MLflow's artifact view both are forbidden.
const figures = JSON.parse(document.getElementById("figure-data").textContent);
const NS = "http://www.w3.org/2000/svg";
const LEFT = 66, TOP = 18, BOTTOM = 44, LETTER = 6.4;
const DASHES = ["", "7 3", "2 3", "8 3 2 3"];
const NARROW = 5; // a log axis over less than this factor has ticks as a linear one: it holds no two powers of ten

function node(parent, name, attributes, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function words(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e5))
    return value.toExponential(2).replace(/\.?0+e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
  return String(Number(value.toPrecision(4)));
}

// ---- axes

function scaleOf(axis, from, to) {
  const at = axis.log ? Math.log10 : (v) => v;
  const low = at(axis.low), high = at(axis.high);
  return (value) => (axis.log && value <= 0 ? from : from + ((at(value) - low) / (high - low)) * (to - from));
}

function ticksOf(axis) {
  if (axis.names.length) return axis.names.map((name, i) => [i, name]);
  if (axis.log && axis.high / axis.low >= NARROW) {
    const first = Math.ceil(Math.log10(axis.low) - 1e-9), last = Math.floor(Math.log10(axis.high) + 1e-9);
    const steps = last - first < 2 ? [1, 2, 5] : [1], every = Math.max(1, Math.ceil((last - first) / 8)), found = [];
    for (let power = first - 1; power <= last; power += every)
      for (const step of steps) {
        const value = step * 10 ** power;
        if (value >= axis.low && value <= axis.high) found.push([value, words(Number(value.toPrecision(3)))]);
      }
    return found;
  }
  const raw = (axis.high - axis.low) / 5.5, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw), found = [];
  for (let value = Math.ceil(axis.low / step) * step; value <= axis.high; value += step)
    found.push([value, words(Number(value.toPrecision(12)))]);
  return found;
}

function frame(panel, id, holder, right) {
  const caption = document.createElement("figcaption");
  caption.textContent = panel.title;
  holder.replaceChildren(caption);
  const width = Math.max(Math.min(holder.clientWidth || 560, 760), 260), height = width < 420 ? 260 : 320;
  const end = width - right, bottom = height - BOTTOM;
  const svg = node(holder, "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": panel.title });
  const x = scaleOf(panel.x, LEFT, end), y = scaleOf(panel.y, bottom, TOP);
  node(node(svg, "clipPath", { id }), "rect", { x: LEFT, y: TOP, width: end - LEFT, height: bottom - TOP });
  let taken = -Infinity;
  for (const [value, label] of ticksOf(panel.x)) {
    if (!panel.x.names.length) node(svg, "line", { class: "grid", x1: x(value), x2: x(value), y1: TOP, y2: bottom });
    const words = panel.x.names.length ? shortened(label, (end - LEFT) / panel.x.names.length) : label;
    if (x(value) - (words.length * LETTER) / 2 < taken) continue; // no label lies on the one before
    node(svg, "text", { x: x(value), y: bottom + 17, "text-anchor": "middle" }, words);
    taken = x(value) + (words.length * LETTER) / 2 + 4;
  }
  for (const [value, label] of ticksOf(panel.y)) {
    node(svg, "line", { class: "grid", x1: LEFT, x2: end, y1: y(value), y2: y(value) });
    node(svg, "text", { x: LEFT - 7, y: y(value) + 4, "text-anchor": "end" }, label);
  }
  node(svg, "path", { class: "frame", d: `M${LEFT} ${TOP}V${bottom}H${end}` });
  const label = panel.y.label + (panel.y.log ? " (log scale)" : "");
  node(svg, "text", { class: "title", x: (LEFT + end) / 2, y: height - 8, "text-anchor": "middle" }, panel.x.label);
  const turned = `translate(12 ${(TOP + bottom) / 2}) rotate(-90)`;
  node(svg, "text", { class: "title", transform: turned, "text-anchor": "middle" }, label);
  return { svg, x, y, end, bottom, inside: node(svg, "g", { "clip-path": `url(#${id})` }) };
}

function shortened(label, room) {
  const letters = Math.max(Math.floor(room / LETTER) - 1, 3);
  return label.length <= letters ? label : `${label.slice(0, letters - 1)}…`;
}

// ---- marks: one shape per verdict

function mark(parent, word, x, y, size, attributes) {
  const { colour, path } = figures.marks[word] || figures.marks.unknown;
  const place = `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${size})`;
  return node(parent, "path", { d: path, fill: colour, transform: place, ...attributes });
}

function member(index) {
  return { class: "member", "data-row": index };
}

// ---- loss against the swept value

function drawLoss(panel, number, holder) {
  const { svg, x, y, end, bottom, inside } = frame(panel, `loss${number}`, holder, 12);
  if (figures.band) {
    const widen = panel.x.names.length ? Math.abs(x(0.35) - x(0)) : 9;
    const from = Math.max(x(figures.band[0]) - widen, LEFT), to = Math.min(x(figures.band[1]) + widen, end);
    node(inside, "rect", { class: "band", x: from, y: TOP, width: to - from, height: bottom - TOP });
    node(inside, "line", { class: "best", x1: x(figures.best), x2: x(figures.best), y1: TOP, y2: bottom });
  }
  panel.means.forEach((means, group) => {
    const several = figures.groups.length > 1;
    const line = several ? { stroke: figures.groups[group][1], "stroke-dasharray": DASHES[group % 4] } : { class: "ink" };
    const cls = "mean " + (line.class || "");
    means.forEach((m, i) => {
      if (panel.x.names.length || !m.joined || i === 0) return;
      const d = `M${x(means[i - 1].x)},${y(means[i - 1].mean)}L${x(m.x)},${y(m.mean)}`;
      node(inside, "path", { ...line, class: cls, opacity: 0.7, d });
    });
    for (const m of means.filter((one) => one.n > 1)) {
      const low = m.low <= 0 && panel.y.log ? bottom : y(m.low), at = x(m.x);
      const d = `M${at},${low}V${y(m.high)}M${at - 5},${low}h10M${at - 5},${y(m.high)}h10M${at - 7},${y(m.mean)}h14`;
      node(inside, "path", { ...line, "stroke-dasharray": "", class: cls, d });
    }
  });
  const size = panel.dots.length > 40 ? 0.8 : 1;
  for (const dot of panel.dots) {
    const info = figures.rows[dot.row], at = x(dot.x) + 22 * dot.side;
    if (dot.above || dot.best === null) {
      mark(svg, info.outcome, at, TOP, size, member(dot.row));
      continue;
    }
    const colour = (figures.marks[info.outcome] || figures.marks.unknown).colour;
    const shown = info.failed && dot.final !== null ? dot.final : dot.best, other = info.failed ? dot.best : dot.final;
    if (other !== null && other !== shown)
      node(inside, "path", { ...member(dot.row), stroke: colour, fill: "none", d: `M${at},${y(shown)}V${y(other)}m-3.5,0h7` });
    mark(inside, info.outcome, at, y(shown), size, member(dot.row));
  }
  for (const [at, words] of panel.shares)
    node(svg, "text", { class: "share", x: x(at), y: TOP - 8, "text-anchor": "middle" }, words);
}

// ---- curves

function lifted(colour) {
  return `color-mix(in srgb, ${colour}, var(--ink) var(--lift))`; // dark shades are lost on a dark ground
}

function drawCurves(panel, number, holder) {
  const longest = Math.max(0, ...panel.labels.map((label) => label.text.length));
  const { svg, x, y, end, bottom, inside } = frame(panel, `curves${number}`, holder, longest ? 16 + LETTER * longest : 12);
  const thin = panel.curves.length > figures.many;
  for (const curve of panel.curves) {
    const points = curve.steps.map((step, i) => `${x(step).toFixed(1)},${y(curve.values[i]).toFixed(1)}`);
    if (points.length === 1) points.push(points[0]);
    node(inside, "path", {
      class: "curve member", "data-row": curve.row, style: `stroke:${lifted(figures.colours[curve.row])}`, d: "M" + points.join("L"),
      "stroke-width": thin ? 1.1 : 1.7, "stroke-dasharray": DASHES[figures.dashes[curve.row]], "stroke-linecap": "round",
    });
    if (curve.leaves !== null) mark(svg, figures.rows[curve.row].outcome, x(curve.leaves), TOP, 1, member(curve.row));
  }
  for (const label of panel.labels) {
    const at = bottom - label.place * (bottom - TOP) + 4;
    node(svg, "text", { class: "end", x: end + 7, y: at, style: `fill:color-mix(in srgb, ${label.colour} 70%, var(--ink))` }, label.text);
  }
}

// ---- legends

function entry(parent, word, fill) {
  const span = document.createElement("span");
  fill(span);
  span.appendChild(document.createTextNode(word));
  parent.appendChild(span);
}

function swatch(colour) {
  return (span) => {
    const made = document.createElement("i");
    made.className = "swatch";
    made.style.background = lifted(colour);
    span.appendChild(made);
  };
}

function icon(parent, word) {
  mark(node(parent, "svg", { viewBox: "-8 -8 16 16" }), word, 0, 0, 1, {});
}

function legends() {
  const losses = document.getElementById("loss-legend"), curves = document.getElementById("curve-legend");
  const seen = new Set(figures.rows.map((row) => row.outcome)), failed = new Set();
  for (const row of figures.rows) if (row.failed) failed.add(row.outcome);
  if (losses) {
    for (const word of Object.keys(figures.marks)) if (seen.has(word)) entry(losses, word, (span) => icon(span, word));
    if (figures.groups.length > 1)
      figures.groups.forEach(([label, colour], i) => entry(losses, label, dashed(colour, i)));
    for (const text of figures.notes) entry(losses, text, () => {});
  }
  figures.legend.forEach(([label, colour], i) => { if (label) entry(curves, label, dashed(colour, i)); });
  if (figures.legend.length || figures.scale)
    for (const word of failed) entry(curves, word, swatch(figures.marks[word].colour));
  if (!figures.scale) return;
  entry(curves, `peak learning rate: ${words(figures.scale[0])}`, () => {});
  const ramp = document.createElement("i");
  ramp.className = "ramp";
  ramp.style.background = `linear-gradient(90deg, ${figures.ramp.join(",")})`;
  curves.appendChild(ramp);
  entry(curves, `${words(figures.scale[1])} (log scale)`, () => {});
  if (figures.groups.length > 1) figures.groups.forEach(([label], i) => entry(curves, label, dashed("currentColor", i)));
}

function dashed(colour, i) {
  return (span) => {
    const line = node(span, "svg", { viewBox: "0 0 26 8", style: "width:26px" });
    node(line, "path", { d: "M0,4H26", style: `stroke:${lifted(colour)}`, "stroke-width": 2, "stroke-dasharray": DASHES[i % 4] });
  };
}

// ---- one member, everywhere

const tip = document.getElementById("tip");
let shown = null;

function show(event) {
  const found = event.target.closest ? event.target.closest("[data-row]") : null;
  const number = found ? Number(found.dataset.row) : null;
  if (number !== shown) light(number);
  tip.style.display = "none";
  if (!found || found.tagName.toLowerCase() === "tr") return;
  const row = figures.rows[number];
  tip.textContent = "";
  for (const [i, line] of [row.name, ...row.facts].entries()) {
    const made = document.createElement("div");
    made.textContent = line;
    if (i === 0) made.style.fontWeight = 600;
    tip.appendChild(made);
  }
  tip.style.display = "block";
  tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
}

function light(number) {
  shown = number;
  for (const lit of document.querySelectorAll(".on")) lit.classList.remove("on");
  document.body.classList.toggle("fade", number !== null);
  if (number === null) return;
  for (const part of document.querySelectorAll(`[data-row="${number}"]`)) part.classList.add("on");
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const number = head.classList.contains("number");
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [p, q] = [key(a), key(b)];
        if (!number) return up ? p.localeCompare(q) : q.localeCompare(p);
        if (p === "" || q === "") return (p === "") - (q === "");
        return up ? Number(p) - Number(q) : Number(q) - Number(p);
      });
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}

function turnTheme() {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
}

function drawInto(id, panels, draw) {
  const parent = document.getElementById(id);
  if (!parent) return () => {};
  const holders = panels.map(() => parent.appendChild(document.createElement("figure")));
  return () => panels.forEach((panel, i) => draw(panel, i, holders[i]));
}

const drawings = [drawInto("losses", figures.losses, drawLoss), drawInto("curves", figures.curves, drawCurves)];
let drawnAt = 0;
function drawAll() {
  if (document.body.clientWidth === drawnAt) return;
  drawnAt = document.body.clientWidth;
  for (const draw of drawings) draw();
}
drawAll();
window.addEventListener("resize", drawAll);
legends();
document.querySelectorAll("table.sortable").forEach(sortable);
document.addEventListener("mousemove", show);
document.getElementById("theme").addEventListener("click", turnTheme);
