"use strict";
const byId = (id) => document.getElementById(id);
const model = JSON.parse(byId("model").textContent);
const [height, width, channels] = model.shape;
const MORE = 24, STEP = 1 / 60, SEEDS = 2 ** 32;

function weightsOf(text) {
  const binary = atob(text.trim());
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

ganflow.picture = ganflow.load(model.operations, weightsOf(byId("weights").textContent));

// Draws from N(0, 1): mulberry32, and Box and Muller's transform.
function latentsOf(seed) {
  let state = (seed + 1) * 0x9e3779b9 >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: model.latent }, () =>
    Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

// Along a great circle, so that the latents on the way are as long as those that are drawn.
function between(from, to, share) {
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const cosine = dot(from, to) / Math.sqrt(dot(from, from) * dot(to, to));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (Math.sin(angle) < 1e-4) return share < 0.5 ? from : to;
  const [a, b] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  return from.map((value, i) => a * value + b * to[i]);
}

function paint(canvas, pixels) {
  const data = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = pixels[i * channels + (channels < 3 ? 0 : c)];
    data.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
}

const label = () => (byId("class") ? Number(byId("class").value) : 0);
const className = () => (byId("class") ? `class ${model.classes[label()]}, ` : "");

function make(canvas, seed, share) {
  const truncation = Number(byId("truncation").value);
  const latents = share ? between(latentsOf(seed), latentsOf((seed + 1) % SEEDS), share) : latentsOf(seed);
  paint(canvas, ganflow.picture(latents.map((value) => value * truncation), label()));
  canvas.setAttribute("aria-label", `Picture of ${className()}seed ${seed}`);
}

const chosen = { seed: 0, walking: 0, others: 1, made: 0 };

function show() {
  const since = performance.now();
  make(byId("picture"), chosen.seed, Number(byId("share").value));
  const milliseconds = performance.now() - since;
  if (!chosen.walking)
    byId("status").textContent = `Made in ${milliseconds.toFixed(0)} ms.`;
}

function choose(seed) {
  chosen.seed = seed;
  byId("seed").value = seed;
  byId("share").value = 0;
  show();
}

// One at a time, so that a slow model leaves the page usable.
function showMore() {
  const round = ++chosen.made;
  const buttons = [...byId("more").children];
  const seeds = buttons.map((_, place) => (chosen.others + place) % SEEDS);
  buttons.forEach((button, place) => button.setAttribute("aria-label", `Seed ${seeds[place]}`));
  const next = (place) => {
    if (place === buttons.length || round !== chosen.made) return;
    make(buttons[place].firstChild, seeds[place], 0);
    setTimeout(next, 0, place + 1);
  };
  setTimeout(next, 0, 0);
}

function walk() {
  if (!chosen.walking) return;
  const share = Number(byId("share").value) + STEP;
  if (share >= 1) choose((chosen.seed + 1) % SEEDS);
  else {
    byId("share").value = share;
    show();
  }
  chosen.walking = requestAnimationFrame(walk);
}

const any = () => Math.floor(Math.random() * SEEDS);

function start() {
  for (let place = 0; place < MORE; place++) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(Object.assign(document.createElement("canvas"), { width, height }));
    button.addEventListener("click", () => {
      choose((chosen.others + place) % SEEDS);
      byId("picture").scrollIntoView({ block: "nearest" });
    });
    byId("more").append(button);
  }
  byId("seed").addEventListener("change", ({ target }) => target.checkValidity() && choose(Number(target.value)));
  byId("new").addEventListener("click", () => choose(any()));
  byId("others").addEventListener("click", () => { chosen.others = any(); showMore(); });
  byId("share").addEventListener("input", show);
  for (const id of ["class", "truncation"])
    byId(id)?.addEventListener("input", () => { show(); showMore(); });
  byId("walk").addEventListener("click", ({ target }) => {
    const walking = !chosen.walking;
    target.setAttribute("aria-pressed", walking);
    cancelAnimationFrame(chosen.walking);
    chosen.walking = walking ? requestAnimationFrame(walk) : 0;
    byId("status").textContent = walking ? "Walking." : "";
  });
  show();
  showMore();
}

try {
  start();
} catch (error) {
  byId("message").hidden = false;
  byId("message").textContent = `This page cannot make pictures here: ${error.message}`;
}
