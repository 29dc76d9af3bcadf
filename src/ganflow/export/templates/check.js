// node check.js PAGE: asks the page's own engine for pictures, {latents, labels} as JSON on
// standard input, and writes their pixels to standard output.
"use strict";
const fs = require("node:fs");
const page = fs.readFileSync(process.argv[2], "utf8");
const part = (name) => page.match(new RegExp(`<script [^>]*id="${name}"[^>]*>([^]*?)</script>`))[1];
const engine = new Function(`${part("engine")}; return ganflow;`)();
const { operations } = JSON.parse(part("model"));
const picture = engine.load(operations, Uint8Array.from(Buffer.from(part("weights"), "base64")));
const { latents, labels } = JSON.parse(fs.readFileSync(0, "utf8"));
const pictures = latents.map((numbers, row) => picture(Float32Array.from(numbers), labels[row]));
process.stdout.write(Buffer.concat(pictures));
