// The page's behaviour: what the controls say is asked of the API, and the answer is shown.

const SHEET = 30;
const byId = (id) => document.getElementById(id);

const state = {
  model: null,
  other: null,
  classes: [],
  corners: [0, 1, 2, 3].map((row) => ({ seed: 0, row })),
  chosenCorner: 0,
  across: 0,
  down: 0,
  directions: [],
  truncation: 1,
  seed: 0,
  walk: { start: null, end: null },
};

// ---- asking ------------------------------------------------------------------------------

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(path, options);
    if (response.ok) return response;
    if (response.status === 503 && response.headers.has("Retry-After") && attempt < 3) {
      await new Promise((wake) => setTimeout(wake, 1000 * Number(response.headers.get("Retry-After"))));
      continue;
    }
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.error || `the studio answered with ${response.status}`);
  }
}

function tell(problem) {
  byId("message").textContent = problem ? problem.message : "";
  byId("message").hidden = !problem;
}

// Runs the newest request only: while one is under way, later ones wait, and only the last of
// them is sent. The picture therefore follows the pointer at the pace the model can keep.
let underWay = 0;

function busy(change) {
  underWay += change;
  document.querySelector("main").setAttribute("aria-busy", underWay > 0);
}

function newestOnly(work) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) { again = true; return; }
    running = true;
    busy(1);
    do {
      again = false;
      try { await work(); tell(null); } catch (problem) { tell(problem); }
    } while (again);
    running = false;
    busy(-1);
  };
}

async function showBlob(image, response) {
  const address = URL.createObjectURL(await response.blob());
  const old = image.src;
  image.src = address;
  await image.decode().catch(() => {});
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  return address;
}

// ---- what is asked for -------------------------------------------------------------------

const conditional = () => state.model.classes.length > 0;
const chosenClasses = () => (conditional() ? state.classes : null);

const point = () => ({
  corners: state.corners,
  across: state.across,
  down: state.down,
  directions: state.directions,
  truncation: state.truncation,
});

const corner = (index) => ({ corners: Array(4).fill(state.corners[index]), truncation: state.truncation });

function columns() {
  const count = conditional() ? state.classes.length : 1;
  const width = byId("panes").clientWidth;
  const fitting = Math.max(1, Math.floor(width / (width > 500 ? 140 : 68)));
  const rows = Math.ceil(count / fitting);
  return Math.ceil(count / rows);
}

// ---- the view ----------------------------------------------------------------------------

const refreshView = newestOnly(async () => {
  const started = performance.now();
  const request = { point: point(), classes: chosenClasses(), columns: columns() };
  const shown = [...byId("panes").querySelectorAll("img")];
  await Promise.all(shown.map(async (image) => {
    const response = await ask("/api/views", fitting(request, image.dataset.model));
    image.alt = describe();
    image.style.maxWidth = `${columns() * 220}px`;
    await showBlob(image, response);
  }));
  byId("status").textContent = `Drawn in ${Math.round(performance.now() - started)} ms.`;
});

// Another version may have other classes, or none, and fewer directions.
function fitting(request, name) {
  if (name === state.model.name) return { ...request, model: name };
  const { classes, directions } = state.other;
  const shown = (request.classes || [...Array(10).keys()]).filter((index) => index < classes.length);
  return {
    ...request,
    model: name,
    classes: classes.length ? (shown.length ? shown : [0]) : null,
    point: { ...request.point, directions: request.point.directions.slice(0, directions) },
  };
}

function describe() {
  const names = state.classes.map((index) => state.model.classes[index]).join(", ");
  const kinds = conditional() ? `, of the classes ${names}` : "";
  return `Generated images at ${state.across.toFixed(2)} across and ${state.down.toFixed(2)} down${kinds}`;
}

const refreshCorners = newestOnly(async () => {
  const kinds = conditional() ? [state.classes[0]] : null;
  await Promise.all(state.corners.map(async (_, index) => {
    const response = await ask("/api/views", { model: state.model.name, point: corner(index), classes: kinds });
    await showBlob(byId(`corner-image-${index}`), response);
    byId(`corner-image-${index}`).alt = "corner";
  }));
});

const refreshPlane = newestOnly(async () => {
  const request = { model: state.model.name, point: point(), label: conditional() ? state.classes[0] : null };
  await showBlob(byId("plane"), await ask("/api/planes", request));
});

const refreshSamples = newestOnly(async () => {
  const request = { model: state.model.name, count: SHEET, seed: state.seed, classes: chosenClasses(), truncation: state.truncation };
  const response = await ask("/api/samples", { ...request, columns: 10 });
  const blob = await response.blob();
  const sheet = await createImageBitmap(blob);
  const [height, width] = state.model.shape;
  [...byId("samples").children].forEach((button, row) => {
    const canvas = button.firstElementChild;
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").drawImage(sheet, -(row % 10) * width, -Math.floor(row / 10) * height);
    const name = conditional() ? `, ${state.model.classes[state.classes[row % state.classes.length]]}` : "";
    button.setAttribute("aria-label", `Sample ${row + 1}${name}: put it into the chosen corner`);
  });
  const link = byId("save-samples");
  if (link.href.startsWith("blob:")) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(blob);
});

function refreshAll() {
  refreshView();
  refreshPlane();
  refreshCorners();
  refreshSamples();
}

// ---- controls ----------------------------------------------------------------------------

function drawPanes() {
  const names = [state.model.name, ...(state.other ? [state.other.name] : [])];
  byId("panes").replaceChildren(...names.map((name) => {
    const figure = document.createElement("figure");
    if (names.length > 1) {
      const caption = document.createElement("figcaption");
      caption.textContent = name;
      figure.append(caption);
    }
    const image = document.createElement("img");
    image.dataset.model = name;
    image.alt = "";
    image.classList.toggle("pixels", state.model.shape[0] < 128);
    figure.append(image);
    return figure;
  }));
}

function slider(label, input, onChange) {
  const output = input.parentElement.querySelector("output");
  const show = () => { output.textContent = Number(input.value).toFixed(2).replace(/\.?0+$/, ""); };
  input.addEventListener("input", () => { show(); onChange(Number(input.value)); });
  return show;
}

function drawDirections() {
  state.directions = Array(state.model.directions).fill(0);
  byId("directions").replaceChildren(...state.directions.map((_, index) => {
    const row = document.createElement("div");
    row.className = "slider";
    const label = document.createElement("label");
    label.htmlFor = `direction-${index}`;
    label.textContent = `Direction ${index + 1}`;
    const input = Object.assign(document.createElement("input"), {
      type: "range", id: `direction-${index}`, min: -4, max: 4, step: 0.1, value: 0,
    });
    const output = document.createElement("output");
    output.htmlFor = input.id;
    output.textContent = "0";
    row.append(label, input, output);
    slider(label, input, (value) => { state.directions[index] = value; refreshView(); refreshPlane(); });
    return row;
  }));
}

function drawClasses() {
  byId("classes-field").hidden = !conditional();
  state.classes = state.model.classes.map((_, index) => index).slice(0, 10);
  byId("classes").replaceChildren(...state.model.classes.slice(0, 100).map((name, index) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: index });
    box.checked = index < 10;
    box.addEventListener("change", readClasses);
    label.append(box, document.createTextNode(name));
    return label;
  }));
}

function readClasses(event) {
  const boxes = [...byId("classes").querySelectorAll("input")];
  if (!boxes.some((box) => box.checked)) event.target.checked = true; // at least one stays
  state.classes = boxes.filter((box) => box.checked).map((box) => Number(box.value));
  refreshAll();
}

function tick(chosen) {
  byId("classes").querySelectorAll("input").forEach((box, index) => { box.checked = chosen(index); });
  readClasses();
}

function drawSamples() {
  byId("samples").replaceChildren(...Array.from({ length: SHEET }, (_, row) => {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(document.createElement("canvas"));
    button.addEventListener("click", () => {
      state.corners[state.chosenCorner] = { seed: state.seed, row };
      const place = [[0, 0], [1, 0], [0, 1], [1, 1]][state.chosenCorner];
      moveTo(...place);
      refreshPlane();
      refreshCorners();
    });
    return button;
  }));
}

function chooseCorner(index) {
  state.chosenCorner = index;
  for (let other = 0; other < 4; other += 1) byId(`corner-${other}`).setAttribute("aria-pressed", other === index);
}

function moveTo(across, down) {
  state.across = Math.min(1, Math.max(0, across));
  state.down = Math.min(1, Math.max(0, down));
  byId("across").value = state.across;
  byId("down").value = state.down;
  showAcross();
  showDown();
  placeDot();
  refreshView();
}

function placeDot() {
  byId("dot").style.left = `${100 * state.across}%`;
  byId("dot").style.top = `${100 * state.down}%`;
}

const showAcross = slider("across", byId("across"), (value) => { state.across = value; placeDot(); refreshView(); });
const showDown = slider("down", byId("down"), (value) => { state.down = value; placeDot(); refreshView(); });
slider("truncation", byId("truncation"), (value) => { state.truncation = value; refreshAll(); });

function dragging(event) {
  const pad = byId("pad").getBoundingClientRect();
  moveTo((event.clientX - pad.left) / pad.width, (event.clientY - pad.top) / pad.height);
}

byId("pad").addEventListener("pointerdown", (event) => {
  byId("pad").setPointerCapture(event.pointerId);
  dragging(event);
});
byId("pad").addEventListener("pointermove", (event) => {
  if (byId("pad").hasPointerCapture(event.pointerId)) dragging(event);
});
for (let index = 0; index < 4; index += 1) byId(`corner-${index}`).addEventListener("click", () => chooseCorner(index));
byId("all-classes").addEventListener("click", () => tick(() => true));
byId("one-class").addEventListener("click", () => tick((index) => index === state.classes[0]));
byId("reset").addEventListener("click", () => { drawDirections(); refreshView(); refreshPlane(); });
byId("new-seed").addEventListener("click", () => {
  byId("seed").value = Math.floor(Math.random() * 2147483647);
  readSeed();
});
byId("seed").addEventListener("change", readSeed);

function readSeed() {
  const input = byId("seed");
  if (!input.checkValidity() || input.value === "") { input.reportValidity(); return; }
  state.seed = Number(input.value);
  refreshSamples();
}

// ---- interpolation -----------------------------------------------------------------------

for (const end of ["start", "end"]) {
  byId(`walk-${end}`).addEventListener("click", () => {
    state.walk[end] = structuredClone(point());
    const words = (which, otherwise) => (state.walk[which] ? "the point you set" : otherwise);
    byId("walk-note").textContent = `From ${words("start", "corner A")} to ${words("end", "corner D")}.`;
  });
}

const growWalk = newestOnly(async () => {
  if (!byId("steps").reportValidity()) return;
  const format = byId("format").value;
  const steps = Number(byId("steps").value);
  const kinds = chosenClasses();
  const scale = Math.max(1, Math.min(format === "png" ? 2 : 4, Math.floor(128 / state.model.shape[0])));
  const response = await ask("/api/walks", {
    model: state.model.name,
    start: state.walk.start || corner(0),
    end: state.walk.end || corner(3),
    classes: kinds && kinds.slice(0, 20),
    steps,
    format,
    scale,
  });
  const image = byId("walk");
  const address = await showBlob(image, response);
  image.alt = `An interpolation in ${steps} steps`;
  image.hidden = false;
  const link = byId("save-walk");
  Object.assign(link, { href: address, download: `walk.${format}`, textContent: `Save walk.${format}`, hidden: false });
});
byId("make-walk").addEventListener("click", growWalk);

// ---- nearest training images -------------------------------------------------------------

byId("find-neighbours").addEventListener("click", newestOnly(async () => {
  const response = await ask("/api/neighbours", {
    model: state.model.name,
    point: point(),
    label: conditional() ? state.classes[0] : null,
  });
  const found = await response.json();
  byId("neighbours").replaceChildren(...found.neighbours.map(({ index, distance, image }) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("img"), { src: image, alt: `Training image ${index}` }));
    item.append(document.createTextNode(`distance ${distance.toFixed(1)}`));
    return item;
  }));
}));

// ---- beginning ---------------------------------------------------------------------------

const compare = newestOnly(async () => {
  const name = byId("other").value;
  state.other = name ? await modelOf(name) : null;
  drawPanes();
  refreshView();
});

const modelOf = async (name) => (await ask(`/api/models/${encodeURIComponent(name)}`)).json();

async function begin() {
  const { models } = await (await ask("/api/models")).json();
  state.model = await modelOf(models[0]);
  const { shape: [height, width], latent, classes } = state.model;
  document.documentElement.style.setProperty("--aspect", `${width} / ${height}`);
  byId("summary").textContent = `${width} × ${height} images from ${latent} numbers${classes.length ? `, in ${classes.length} classes` : ""}`;
  byId("compare").hidden = models.length < 2;
  byId("other").replaceChildren(new Option("nothing", ""), ...models.slice(1).map((name) => new Option(name, name)));
  byId("other").addEventListener("change", compare);
  byId("neighbours-section").hidden = !state.model.neighbours;
  drawPanes();
  drawClasses();
  drawDirections();
  drawSamples();
  refreshAll();
  window.addEventListener("resize", refreshView);
}

begin().catch(tell);
