/* What the figures with the trained networks share: the weights of the MLP and CNN of chapters 5 and
   6, their layers, and images in the address. Weights arrive as float16 and are used as float64;
   plain loops are fast enough for 90,000 of them. */
(function () {
  "use strict";
  const SIDE = 28;
  const PIXELS = SIDE * SIDE;

  // --- Weights ----------------------------------------------------------------------------------

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  /* float16 → number: one bit of sign, five of exponent, ten of fraction. */
  function half(bits) {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent === 0 ? fraction * 2 ** -24
      : exponent === 31 ? (fraction ? NaN : Infinity) : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return bits & 0x8000 ? -size : size;
  }

  function layer(stored) {
    const raw = bytes(stored.float16);
    const values = new Float64Array(raw.length / 2);
    for (let i = 0; i < values.length; i++) values[i] = half(raw[2 * i] | (raw[2 * i + 1] << 8));
    return { shape: stored.shape, values };
  }

  const unpack = (network) =>
    Object.fromEntries(Object.entries(network).map(([name, stored]) => [name, layer(stored)]));

  // --- Layers -----------------------------------------------------------------------------------

  const relu = (x) => x.map((value) => Math.max(value, 0));

  /* Weights (outputs, inputs) and biases (outputs): input (inputs,) → (outputs,). */
  function linear(net, name, input) {
    const { shape: [outputs, inputs], values } = net[`${name}.weight`];
    const result = Float64Array.from(net[`${name}.bias`].values);
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += values[o * inputs + i] * input[i];
      result[o] += sum;
    }
    return result;
  }

  /* Kernels (outputs, inputs, k, k), zeros around: maps (inputs, n, n) → (outputs, n, n). */
  function convolve(net, name, input, n) {
    const { shape: [outputs, inputs, k], values } = net[`${name}.weight`];
    const bias = net[`${name}.bias`].values;
    const margin = (k - 1) / 2;
    const result = new Float64Array(outputs * n * n);
    for (let o = 0; o < outputs; o++) {
      const map = result.subarray(o * n * n, (o + 1) * n * n).fill(bias[o]);
      for (let i = 0; i < inputs; i++) {
        for (let a = 0; a < k; a++) {
          for (let b = 0; b < k; b++) {
            const weight = values[((o * inputs + i) * k + a) * k + b];
            const [down, right] = [a - margin, b - margin];
            for (let y = Math.max(0, -down); y < Math.min(n, n - down); y++) {
              const from = (i * n + y + down) * n + right;
              for (let x = Math.max(0, -right); x < Math.min(n, n - right); x++) {
                map[y * n + x] += weight * input[from + x];
              }
            }
          }
        }
      }
    }
    return result;
  }

  /* The largest of each two by two values: maps (c, n, n) → (c, n / 2, n / 2). */
  function pool(input, n) {
    const m = n / 2;
    const result = new Float64Array(input.length / 4);
    for (let i = 0; i < result.length; i++) {
      const [map, y, x] = [Math.floor(i / (m * m)), Math.floor(i / m) % m, i % m];
      const at = (map * n + 2 * y) * n + 2 * x;
      result[i] = Math.max(input[at], input[at + 1], input[at + n], input[at + n + 1]);
    }
    return result;
  }

  // --- Networks: pixels (784,) from 0 to 1 → logits (10,) -----------------------------------------

  const mlp = (net, pixels) =>
    linear(net, "layers.4", relu(linear(net, "layers.2", relu(linear(net, "layers.0", pixels)))));

  /* All that the CNN computes on its way: what enters each convolution, the sums that leave it, and
     the maps after pooling and ReLU. */
  function follow(net, pixels) {
    const first = convolve(net, "features.0", pixels, SIDE);
    const middle = relu(pool(first, SIDE));
    const second = convolve(net, "features.3", middle, SIDE / 2);
    const last = relu(pool(second, SIDE / 2));
    return [
      { name: "features.0", side: SIDE, inputs: pixels, sums: first, maps: middle },
      { name: "features.3", side: SIDE / 2, inputs: middle, sums: second, maps: last },
    ];
  }

  const cnn = (net, pixels) =>
    linear(net, "classifier.2", relu(linear(net, "classifier.0", follow(net, pixels)[1].maps)));

  function softmax(logits) {
    const largest = Math.max(...logits);
    const powers = Array.from(logits, (z) => Math.exp(z - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  }

  // --- Images in the address: four bits for each pixel --------------------------------------------

  const SHADES = 17; // 255 / 15: sixteen shades from 0 to 255

  function encode(pixels) {
    let raw = "";
    for (let i = 0; i < PIXELS; i += 2) {
      raw += String.fromCharCode((Math.round(pixels[i] / SHADES) << 4) | Math.round(pixels[i + 1] / SHADES));
    }
    const text = btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    return text.replace(/A{4,}/g, (run) => `.${run.length.toString(36)}.`); // black, counted
  }

  /* The pixels of a drawing, or null for a text that is none. */
  function decode(text) {
    try {
      const full = text.replace(/\.([0-9a-z]{1,3})\./g, (_, n) => "A".repeat(Math.min(1000, parseInt(n, 36))));
      const raw = atob(full.replaceAll("-", "+").replaceAll("_", "/"));
      if (raw.length !== PIXELS / 2) return null;
      const pixels = new Uint8Array(PIXELS);
      for (let i = 0; i < raw.length; i++) {
        pixels[2 * i] = (raw.charCodeAt(i) >> 4) * SHADES;
        pixels[2 * i + 1] = (raw.charCodeAt(i) & 15) * SHADES;
      }
      return pixels;
    } catch {
      return null;
    }
  }

  /* The image moved by whole pixels, black coming in, after mirroring left and right if asked. */
  function changed(pixels, dx, dy, mirrored) {
    const result = new Uint8Array(PIXELS);
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const [row, column] = [y - dy, x - dx];
        if (row < 0 || row >= SIDE || column < 0 || column >= SIDE) continue;
        result[y * SIDE + x] = pixels[row * SIDE + (mirrored ? SIDE - 1 - column : column)];
      }
    }
    return result;
  }

  // --- For the figures ----------------------------------------------------------------------------

  /* Shades from 0 to 255 on a canvas. */
  function paint(canvas, pixels, side = SIDE) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    pixels.forEach((shade, i) => image.data.set([shade, shade, shade, 255], 4 * i));
    context.putImageData(image, 0, 0);
  }

  /* Fewer lit pixels than any garment has: there is nothing to classify. */
  const empty = (pixels) => pixels.reduce((count, shade) => count + (shade >= 64), 0) < 12;

  /* Both networks of the record: `shares(name, pixels)` are the confidences in the ten classes. */
  function both(data) {
    const nets = { mlp: unpack(data.networks.mlp), cnn: unpack(data.networks.cnn) };
    const unit = (pixels) => Float64Array.from(pixels, (p) => p / 255);
    const logits = (name, pixels) => ({ mlp, cnn })[name](nets[name], unit(pixels));
    const shares = (name, pixels) => softmax(logits(name, pixels));
    const best = (name, pixels) => {
      const found = shares(name, pixels);
      const share = Math.max(...found);
      return { name: data.classes[found.indexOf(share)], share };
    };
    const images = bytes(data.images.pixels);
    return {
      logits, shares, best, count: images.length / PIXELS, cnn: nets.cnn,
      follow: (pixels) => follow(nets.cnn, unit(pixels)),
      image: (i) => images.subarray(i * PIXELS, (i + 1) * PIXELS),
    };
  }

  window.alive.nets = { SIDE, PIXELS, SHADES, both, encode, decode, changed, paint, empty };
})();
