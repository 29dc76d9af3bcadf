// The generator's operations on Float32Array, in the form of ganflow.export.operations: maps are
// rows, columns, channels, of one picture. The page and the check in Node.js run this same text.
"use strict";
const ganflow = (() => {
  // float16 to float32: the exponent is moved, and a multiplication sets its bias right.
  function halves(bytes) {
    const from = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
    const bits = new Uint32Array(from.length);
    const values = new Float32Array(bits.buffer);
    for (let i = 0; i < from.length; i++) {
      bits[i] = ((from[i] & 0x8000) << 16) | ((from[i] & 0x7fff) << 13);
      values[i] *= 2 ** 112;
    }
    return values;
  }

  const size = (shape) => shape.reduce((product, side) => product * side, 1);
  const like = (x) => ({ shape: x.shape, values: new Float32Array(x.values.length) });

  function each(x, change) {
    const y = like(x);
    for (let i = 0; i < y.values.length; i++) y.values[i] = change(x.values[i]);
    return y;
  }

  function dense(x, { kernel, bias }) {
    const width = bias.values.length;
    const y = Float32Array.from(bias.values);
    for (let i = 0, k = 0; i < x.values.length; i++, k += width) {
      const value = x.values[i];
      if (value === 0) continue;
      for (let o = 0; o < width; o++) y[o] += value * kernel.values[k + o];
    }
    return { shape: [width], values: y };
  }

  // Convolution reads at strides and its transpose writes at strides; both add a kernel's row.
  function convolve(x, { kernel, bias }, strides, transposed) {
    const [rows, columns, from, to] = kernel.shape;
    const [height, width] = x.shape;
    const sides = [height, width].map((side, axis) =>
      transposed ? side * strides[axis] : Math.ceil(side / strides[axis]));
    const before = [height, width].map((side, axis) => {
      const [small, large] = transposed ? [side, sides[axis]] : [sides[axis], side];
      return Math.max((small - 1) * strides[axis] + kernel.shape[axis] - large, 0) >> 1;
    });
    const shape = [...sides, to];
    const y = new Float32Array(size(shape));
    for (let i = 0; i < y.length; i += to) y.set(bias.values, i);
    const [small, large] = transposed ? [x.shape, shape] : [shape, x.shape];
    const input = x.values, weights = kernel.values;
    for (let r = 0; r < small[0]; r++) for (let c = 0; c < small[1]; c++) {
      const near = r * small[1] + c;
      for (let i = 0; i < rows; i++) {
        const row = r * strides[0] + i - before[0];
        if (row < 0 || row >= large[0]) continue;
        for (let j = 0; j < columns; j++) {
          const column = c * strides[1] + j - before[1];
          if (column < 0 || column >= large[1]) continue;
          const far = row * large[1] + column;
          const read = (transposed ? near : far) * from, write = (transposed ? far : near) * to;
          let k = (i * columns + j) * from * to;
          for (let f = 0; f < from; f++, k += to) {
            const value = input[read + f];
            if (value === 0) continue;
            for (let t = 0; t < to; t++) y[write + t] += value * weights[k + t];
          }
        }
      }
    }
    return { shape, values: y };
  }

  function gather(x, shape, place) {
    const channels = shape[2], y = new Float32Array(size(shape));
    for (let r = 0; r < shape[0]; r++) for (let c = 0; c < shape[1]; c++) {
      const [row, column] = place(r, c);
      const start = (row * x.shape[1] + column) * channels;
      y.set(x.values.subarray(start, start + channels), (r * shape[1] + c) * channels);
    }
    return { shape, values: y };
  }

  const sigmoid = (v) => 1 / (1 + Math.exp(-v));

  const kinds = {
    add(o, a, b) {
      const y = like(a);
      for (let i = 0; i < y.values.length; i++) y.values[i] = a.values[i] + b.values[i];
      return y;
    },
    affine(o, x) {
      const y = like(x), { scale, bias } = o.weights, width = scale.values.length;
      for (let i = 0; i < y.values.length; i += width)
        for (let c = 0; c < width; c++)
          y.values[i + c] = x.values[i + c] * scale.values[c] + bias.values[c];
      return y;
    },
    clip: (o, x) => each(x, (v) => Math.min(1, Math.max(-1, v))),
    concat_one_hot(o, x, label) {
      const values = new Float32Array(x.values.length + o.options.classes);
      values.set(x.values);
      values[x.values.length + label] = 1;
      return { shape: [values.length], values };
    },
    conv: (o, x) => convolve(x, o.weights, o.options.strides, false),
    conv_transpose: (o, x) => convolve(x, o.weights, o.options.strides, true),
    crop(o, x) {
      const [height, width] = o.options.size;
      const top = (x.shape[0] - height) >> 1, left = (x.shape[1] - width) >> 1;
      return gather(x, [height, width, x.shape[2]], (r, c) => [r + top, c + left]);
    },
    dense: (o, x) => dense(x, o.weights),
    leaky_relu: (o, x) => each(x, (v) => (v > 0 ? v : v * o.options.slope)),
    reshape: (o, x) => ({ shape: o.options.shape, values: x.values }),
    sigmoid: (o, x) => each(x, sigmoid),
    silu: (o, x) => each(x, (v) => v * sigmoid(v)),
    tanh: (o, x) => each(x, Math.tanh),
    upsample(o, x) {
      const [down, across] = o.options.factor;
      const shape = [x.shape[0] * down, x.shape[1] * across, x.shape[2]];
      return gather(x, shape, (r, c) => [Math.floor(r / down), Math.floor(c / across)]);
    },
  };

  // A function from latents (Float32Array) and a class index to the pixels, rows by columns by
  // channels, of 0 to 255.
  function load(operations, bytes) {
    const numbers = halves(bytes);
    for (const operation of operations)
      for (const weight of Object.values(operation.weights))
        weight.values = numbers.subarray(weight.start, weight.start + size(weight.shape));
    return (latents, label) => {
      const arrays = { latents: { shape: [latents.length], values: latents }, labels: label };
      for (const o of operations)
        arrays[o.output] = kinds[o.kind](o, ...o.inputs.map((name) => arrays[name]));
      const last = arrays[operations[operations.length - 1].output].values;
      return Uint8Array.from(last, (v) => Math.round((Math.min(1, Math.max(-1, v)) + 1) * 127.5));
    };
  }

  return { load };
})();
