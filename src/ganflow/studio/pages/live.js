// The training that runs: its events are kept by run, and drawn at most once a frame.

const byId = (id) => document.getElementById(id);
const MOST_SHOWN = 4;

const CHARTS = [
  ["Fréchet distance", [["fd", ""]]],
  ["Losses", [["generator_loss", "generator"], ["discriminator_loss", "discriminator"]]],
  ["Mean logits", [["real_logit", "of real images"], ["fake_logit", "of generated ones"]]],
  ["Penalty", [["penalty", ""]]],
  ["Loss of the classifier", [["loss", ""]]],
  ["Learning rate", [["learning_rate", ""]]],
  ["Images per second", [["images_per_second", ""]]],
  ["Most memory so far, GB", [["memory", ""]]],
];

const runs = new Map();
let shown = []; // names of runs; while nobody has chosen, the newest one
let chosen = false;
let moment = null; // images seen; null follows the training

// ---- what is told ------------------------------------------------------------------------

function take(message) {
  const { run: name } = message;
  if (!name) return;
  if (message.gone) { runs.delete(name); return; }
  if (!runs.has(name)) runs.set(name, { about: {}, tables: {}, pictures: [] });
  const run = runs.get(name);
  if (message.about) run.about = message.about;
  if (message.pictures) run.pictures = message.pictures;
  if (message.table) {
    const columns = message.columns.map(() => []);
    if (message.anew || !run.tables[message.table]) {
      run.tables[message.table] = Object.fromEntries(message.columns.map((column, index) => [column, columns[index]]));
    }
    const table = run.tables[message.table];
    for (const row of message.rows) message.columns.forEach((column, index) => table[column].push(row[index]));
  }
}

const column = (run, name) => {
  const table = run.tables[name === "fd" ? "quality" : "history"];
  if (!table || !table[name]) return null;
  return { x: table.images, y: name === "memory" ? table.memory.map((bytes) => bytes && bytes / 1e9) : table[name] };
};
const last = (values) => (values && values.length ? values[values.length - 1] : null);
const imagesOf = (run) => last(run.tables.history?.images) ?? run.about.resumed ?? 0;

// ---- words -------------------------------------------------------------------------------

const count = (value) => Math.round(value).toLocaleString("en");
const number = (value) => (value == null ? "–" : Math.abs(value) >= 1000 ? count(value) : String(Number(value.toPrecision(3))));

function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const padded = (value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${padded(minutes)}:${padded(whole % 60)}` : `${minutes}:${padded(whole % 60)}`;
}

// Measured from the first block's end, since that block had to compile.
function pace(run) {
  const { images, seconds } = run.tables.history || {};
  if (!images) return null;
  const first = seconds.findIndex((value) => value !== null);
  const end = seconds.length - 1;
  return first < 0 || end === first ? null : (images[end] - images[first]) / (seconds[end] - seconds[first]);
}

const STATES = { running: "running", done: "done", failed: "failed", stopped: "interrupted", lost: "broken off" };
const clock = (run) => new Date(run.about.started).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const title = (run) => `${run.about.what || "a run"} of ${clock(run)}`;

// ---- drawing -----------------------------------------------------------------------------

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const SVG = element("div", { innerHTML: "<svg></svg>" }).firstChild.namespaceURI;
const drawn = (tag, attributes, ...children) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

function drawNow(names) {
  const now = names.filter((name) => runs.get(name).about.state === "running");
  const told = now.length ? now : names.slice(0, 1);
  byId("now").replaceChildren(...told.map((name) => {
    const run = runs.get(name);
    const { about } = run;
    const section = element("section", { className: `now ${about.state}` }, element("h2", { textContent: `${title(run)}: ${STATES[about.state]}` }));
    if (!about.total && about.state === "running") section.append(element("p", { className: "figures", textContent: "It is being prepared: data, networks, compilation." }));
    if (about.total) {
      const seen = imagesOf(run);
      const rate = pace(run);
      const left = about.state === "running" && rate ? `, ${duration((about.total - seen) / rate)} left` : "";
      const words = `${count(seen)} of ${count(about.total)} images${rate ? `, ${count(rate)} a second` : ""}${left}`;
      section.append(
        element("progress", { max: about.total, value: seen, ariaLabel: `Images seen by ${about.what}` }),
        element("p", { className: "figures", textContent: words + (about.resumed ? `; resumed after ${count(about.resumed)}` : "") }),
      );
    }
    if (about.state === "lost") section.append(element("p", { className: "wrong", textContent: "Its process ended without saying why: it was killed, the machine went down, or the disk was full. dvc repro goes on from the last checkpoint." }));
    if (about.error) section.append(element("pre", { className: "wrong", textContent: about.error }));
    return section;
  }));
}

const summary = { text: "" };
function say(text) { // a screen reader is told of changes only
  if (summary.text !== text) byId("summary").textContent = summary.text = text;
}

function picture(run) { // the last one that the moment has seen
  const until = moment ?? Infinity;
  return run.pictures.filter((images) => images <= until).pop() ?? run.pictures[0];
}

function drawPictures() {
  const figures = shown.filter((name) => runs.get(name).pictures.length);
  const panes = byId("panes");
  panes.dataset.count = figures.length;
  panes.replaceChildren(...figures.map((name) => {
    const run = runs.get(name);
    const images = picture(run);
    const source = `/live/${name}/${images}.png`;
    const words = `${run.about.what} after ${count(images)} images`;
    const old = [...panes.querySelectorAll("img")].find((image) => image.dataset.run === name);
    const image = old || element("img", { className: "pixels" });
    image.dataset.run = name;
    if (image.getAttribute("src") !== source) image.src = source;
    image.alt = `Generated images, ${words}`;
    return element("figure", { className: `series-${shown.indexOf(name)}` }, image, element("figcaption", { textContent: words }));
  }));
  byId("grid-title").parentElement.hidden = !figures.length;
  const marks = [...new Set(figures.flatMap((name) => runs.get(name).pictures))].sort((a, b) => a - b);
  const slider = byId("moment");
  slider.max = Math.max(0, marks.length - 1);
  const place = moment === null ? marks.length - 1 : marks.findLastIndex((images) => images <= moment);
  slider.value = Math.max(0, place);
  const words = marks.length ? `${count(marks[Math.max(0, place)])} images` : "";
  slider.setAttribute("aria-valuetext", words);
  slider.parentElement.querySelector("output").textContent = words;
  slider.marks = marks;
}

const FROM_NOTHING = ["fd", "penalty", "learning_rate", "images_per_second", "memory"];
const WIDTH = 360;
const HEIGHT = 150;
const LEFT = 46;
const BOTTOM = 18;

function ticks(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const step = 10 ** Math.floor(Math.log10(span / 2));
  const size = [1, 2, 5, 10].map((factor) => factor * step).find((candidate) => span / candidate <= 4) || span;
  const found = [];
  for (let value = Math.ceil(low / size) * size; value <= high + size * 1e-6; value += size) found.push(Number(value.toPrecision(12)));
  return found;
}

function draw(name, series) {
  const lines = shown.flatMap((run, order) => series.map(([key, words], dash) => ({ run: runs.get(run), order, key, words, dash, ...column(runs.get(run), key) })))
    .filter((line) => line.x && line.y.some((value) => value !== null));
  if (!lines.length) return null;
  const values = lines.flatMap((line) => line.y.filter((value) => value !== null));
  const baselines = series[0][0] === "fd" ? [...new Set(lines.map((line) => line.run.about.baseline).filter(Number.isFinite))] : [];
  const [least, most] = [Math.min(...values, ...baselines), Math.max(...values, ...baselines)];
  const margin = (most - least || Math.abs(most) || 1) * 0.06;
  const low = FROM_NOTHING.includes(series[0][0]) ? 0 : least - margin;
  const high = most + margin;
  const end = Math.max(...lines.map((line) => Math.max(line.run.about.total || 0, last(line.x))));
  const x = (images) => LEFT + (WIDTH - LEFT - 6) * (images / end);
  const y = (value) => 6 + (HEIGHT - BOTTOM - 6) * (1 - (value - low) / (high - low));
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  for (const value of ticks(low, high)) {
    const label = drawn("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" });
    label.textContent = Math.abs(value) >= 1e4 || (value && Math.abs(value) < 1e-3) ? value.toExponential(0) : value;
    svg.append(drawn("line", { x1: LEFT, x2: WIDTH - 6, y1: y(value), y2: y(value), class: "rule" }), label);
  }
  for (const [images, anchor] of [[0, "start"], [end, "end"]]) {
    const label = drawn("text", { x: x(images), y: HEIGHT - 4, "text-anchor": anchor });
    label.textContent = images ? `${count(images)} images` : "0";
    svg.append(label);
  }
  for (const value of baselines) svg.append(drawn("line", { x1: LEFT, x2: WIDTH - 6, y1: y(value), y2: y(value), class: "baseline" }));
  for (const line of lines) {
    const points = line.x.map((images, index) => (line.y[index] === null ? null : `${x(images).toFixed(1)},${y(line.y[index]).toFixed(1)}`)).filter(Boolean);
    svg.append(drawn("polyline", { points: points.join(" "), class: `line series-${line.order}${line.dash ? " second" : ""}` }));
    if (points.length === 1 || line.key === "fd") for (const point of points) svg.append(drawn("circle", { cx: point.split(",")[0], cy: point.split(",")[1], r: 2.4, class: `series-${line.order}` }));
  }
  if (moment !== null) svg.append(drawn("line", { x1: x(moment), x2: x(moment), y1: 6, y2: HEIGHT - BOTTOM, class: "cursor" }));
  const told = lines.map((line) => {
    const until = moment ?? Infinity;
    const index = line.x.findLastIndex((images, row) => images <= until && line.y[row] !== null);
    const run = shown.length > 1 ? `${line.run.about.what} ${line.order + 1}` : "";
    return { line, words: [[run, line.words].filter(Boolean).join(" "), number(line.y[index < 0 ? 0 : index])].filter(Boolean).join(": ") };
  });
  if (baselines.length) told.push({ words: `real images: ${baselines.map(number).join(", ")}` });
  svg.setAttribute("aria-label", `${name}: ${told.map(({ words }) => words).join("; ")}`);
  const key = element("p", { className: "key" }, ...told.map(({ line, words }) => {
    const mark = drawn("svg", { viewBox: "0 0 22 8", class: "mark", "aria-hidden": "true" }, drawn("line", { x1: 0, x2: 22, y1: 4, y2: 4, class: line ? `line series-${line.order}${line.dash ? " second" : ""}` : "baseline" }));
    return element("span", {}, mark, words);
  }));
  return element("figure", {}, element("figcaption", { textContent: name }), svg, key);
}

function drawRuns(names) {
  const focused = document.activeElement?.dataset?.run;
  byId("runs").replaceChildren(...names.map((name) => {
    const run = runs.get(name);
    const { about } = run;
    const box = element("input", { type: "checkbox", checked: shown.includes(name), ariaLabel: `Show ${title(run)}` });
    box.dataset.run = name;
    box.disabled = !box.checked && shown.length >= MOST_SHOWN;
    box.addEventListener("change", () => choose(name, box.checked));
    const distances = (run.tables.quality?.fd || []).filter((value) => value !== null);
    const mark = shown.includes(name) ? drawn("svg", { viewBox: "0 0 22 8", class: "mark", "aria-hidden": "true" }, drawn("line", { x1: 0, x2: 22, y1: 4, y2: 4, class: `line series-${shown.indexOf(name)}` })) : "";
    const cells = [
      [box, mark], [about.what || "", element("br"), clock(run)], [STATES[about.state] || ""],
      [about.total ? count(imagesOf(run)) : ""],
      [distances.length ? number(Math.min(...distances)) : ""],
      [duration(about.ended ? (new Date(about.ended) - new Date(about.started)) / 1000 : last(run.tables.history?.seconds))],
    ];
    return element("tr", {}, ...cells.map((parts) => element("td", {}, ...parts)));
  }));
  if (focused) document.querySelector(`#runs [data-run="${focused}"]`)?.focus();
}

function choose(name, show) {
  chosen = true;
  shown = show ? [...shown, name] : shown.filter((other) => other !== name);
  ask();
}

function drawAll() {
  const names = [...runs.keys()].sort().reverse();
  byId("watch").hidden = !names.length;
  shown = shown.filter((name) => runs.has(name));
  if (!chosen || !shown.length) { shown = names.slice(0, 1); chosen = false; }
  drawNow(names);
  const running = names.filter((name) => runs.get(name).about.state === "running").length;
  const newest = names.length ? runs.get(names[0]).about : {};
  if (!names.length) say("No training has run here yet. This page shows it as soon as one begins: dvc repro.");
  else say(running > 1 ? `${running} trainings are running.` : `${newest.what}: ${STATES[newest.state]}.`);
  if (!names.length) return;
  drawPictures();
  byId("curves").replaceChildren(...CHARTS.map(([name, series]) => draw(name, series)).filter(Boolean));
  byId("curves").parentElement.hidden = !byId("curves").children.length;
  drawRuns(names);
}

let asked = false;
function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; drawAll(); });
}

// ---- controls and connection -------------------------------------------------------------

byId("moment").addEventListener("input", ({ target }) => {
  const index = Number(target.value);
  moment = index === target.marks.length - 1 ? null : target.marks[index];
  ask();
});

const events = new EventSource("/live/events");
events.addEventListener("open", () => { runs.clear(); byId("message").hidden = true; }); // all of it is told again
events.addEventListener("message", ({ data }) => { take(JSON.parse(data)); ask(); });
events.addEventListener("error", () => {
  byId("message").textContent = "The studio does not answer. This page goes on as soon as it does.";
  byId("message").hidden = false;
});
