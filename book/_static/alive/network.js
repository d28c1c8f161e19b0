/* Try the network: the trained MLP and CNN of chapters 5 and 6 classify an image in the page.
   Weights arrive as float16 and are used as float64; plain loops are fast enough for 90,000 of
   them. */
(function () {
  "use strict";
  const { el, format } = window.alive;
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

  const firstMaps = (net, pixels) => relu(pool(convolve(net, "features.0", pixels, SIDE), SIDE));

  function cnn(net, pixels) {
    const maps = relu(pool(convolve(net, "features.3", firstMaps(net, pixels), SIDE / 2), SIDE / 2));
    return linear(net, "classifier.2", relu(linear(net, "classifier.0", maps)));
  }

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

  // --- The figure -------------------------------------------------------------------------------

  function paint(canvas, pixels, side = SIDE) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    pixels.forEach((shade, i) => image.data.set([shade, shade, shade, 255], 4 * i));
    context.putImageData(image, 0, 0);
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  function build(app, data) {
    const nets = { mlp: unpack(data.networks.mlp), cnn: unpack(data.networks.cnn) };
    const logits = (name, pixels) => ({ mlp, cnn })[name](nets[name], Float64Array.from(pixels, (p) => p / 255));
    const all = bytes(data.images.pixels);
    const count = all.length / PIXELS;
    const { state, save, flush } = window.alive.state({ image: 1, dx: 0, dy: 0, mirrored: 0, drawing: "" });
    state.image = Math.min(count, Math.max(1, Math.round(state.image)));
    for (const key of ["dx", "dy"]) state[key] = Math.min(14, Math.max(-14, Math.round(state[key])));
    if (state.drawing && !decode(state.drawing)) state.drawing = "";
    const brush = { shade: 255, size: 2 };
    let pixels = current();

    function current() {
      if (state.drawing) return decode(state.drawing);
      const chosen = all.subarray((state.image - 1) * PIXELS, state.image * PIXELS);
      return changed(chosen, state.dx, state.dy, state.mirrored === 1);
    }

    // --- Parts of the page

    const thumbs = Array.from({ length: count }, (_, i) => {
      const canvas = el("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
      paint(canvas, all.subarray(i * PIXELS, (i + 1) * PIXELS));
      const radio = el("input", {
        type: "radio", name: "alive-image", value: i + 1, "aria-label": `Image ${i + 1}`,
        onchange: () => set({ image: i + 1, dx: 0, dy: 0, mirrored: 0, drawing: "" }),
        onclick: () => state.drawing && set({ image: i + 1, dx: 0, dy: 0, mirrored: 0, drawing: "" }),
      });
      return { radio, label: el("label", { class: "alive-thumb" }, radio, canvas) };
    });
    const gallery = el("div", { class: "alive-gallery", role: "radiogroup", "aria-label": "Choose an image" },
      ...thumbs.map((thumb) => thumb.label));

    const canvas = el("canvas", { width: SIDE, height: SIDE, class: "alive-canvas" });
    const cursor = el("div", { class: "alive-cursor", hidden: true });
    const board = el("div", { class: "alive-board", tabindex: 0, role: "application",
      "aria-label": "Drawing area of 28 by 28 pixels. Arrow keys move the brush, the space bar paints.",
    }, canvas, cursor);
    const pen = { x: 14, y: 14, held: false };

    const maps = Array.from({ length: 16 }, () => el("canvas", { width: SIDE / 2, height: SIDE / 2 }));
    const mapBox = el("details", { class: "alive-details" },
      el("summary", {}, "What the first layer of the CNN sees"),
      el("p", {}, "Its 16 feature maps after pooling and ReLU, bright where a kernel answers. All have one scale."),
      el("div", { class: "alive-maps", role: "img", "aria-label": "Sixteen small feature maps of the image above" }, ...maps));
    mapBox.addEventListener("toggle", show);

    const live = window.alive.live();
    const rows = data.classes.map((name) => {
      const cells = ["alive-bar-mlp", "alive-bar-cnn"].map((one) => el("td", { class: `alive-bar ${one}` }, el("span", {})));
      return { cells, row: el("tr", {}, el("th", { scope: "row" }, name), ...cells) };
    });
    const table = el("table", { class: "alive-values alive-answers" },
      el("thead", {}, el("tr", {}, ...["Class", "MLP", "CNN"].map((t) => el("th", { scope: "col" }, t)))),
      el("tbody", {}, ...rows.map((r) => r.row)));

    // --- Changes

    function set(changes) {
      Object.assign(state, changes);
      pixels = current();
      show();
      save();
    }

    function move(dx, dy) {
      if (state.drawing) set({ drawing: encode(changed(pixels, dx, dy, false)) });
      else set({ dx: Math.max(-14, Math.min(14, state.dx + dx)), dy: Math.max(-14, Math.min(14, state.dy + dy)) });
    }

    function mirror() {
      if (state.drawing) set({ drawing: encode(changed(pixels, 0, 0, true)) });
      else set({ mirrored: 1 - state.mirrored, dx: -state.dx });
    }

    /* Paint a round spot; sixteen shades, since that is what the address keeps. */
    function spot(x, y) {
      const next = Uint8Array.from(pixels, (p) => Math.round(p / SHADES) * SHADES);
      const reach = brush.size / 2;
      for (let row = 0; row < SIDE; row++) {
        for (let column = 0; column < SIDE; column++) {
          const away = Math.hypot(column + 0.5 - x, row + 0.5 - y);
          if (away <= Math.max(reach, 0.71)) next[row * SIDE + column] = brush.shade;
        }
      }
      set({ drawing: encode(next) });
    }

    function stroke(from, to) {
      const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
      for (let i = 1; i <= steps; i++) {
        spot(from.x + ((to.x - from.x) * i) / steps, from.y + ((to.y - from.y) * i) / steps);
      }
    }

    const spotUnder = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: ((event.clientX - box.left) / box.width) * SIDE, y: ((event.clientY - box.top) / box.height) * SIDE };
    };
    let last = null;
    board.addEventListener("pointerdown", (event) => {
      board.setPointerCapture(event.pointerId);
      last = spotUnder(event);
      spot(last.x, last.y);
    });
    board.addEventListener("pointermove", (event) => {
      if (!last) return;
      const here = spotUnder(event);
      stroke(last, here);
      last = here;
    });
    for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => (last = null));

    function showCursor() {
      cursor.style.left = `${(100 * pen.x) / SIDE}%`;
      cursor.style.top = `${(100 * pen.y) / SIDE}%`;
    }
    board.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step && event.key !== " ") return;
      event.preventDefault();
      cursor.hidden = false;
      if (step) {
        pen.x = Math.min(SIDE - 1, Math.max(0, pen.x + step[0]));
        pen.y = Math.min(SIDE - 1, Math.max(0, pen.y + step[1]));
      } else pen.held = true;
      if (pen.held) spot(pen.x + 0.5, pen.y + 0.5);
      showCursor();
    });
    board.addEventListener("keyup", (event) => {
      if (event.key === " ") pen.held = false;
    });
    board.addEventListener("blur", () => {
      cursor.hidden = true;
      pen.held = false;
    });

    // --- Show

    function show() {
      paint(canvas, pixels);
      thumbs.forEach(({ radio }, i) => (radio.checked = !state.drawing && state.image === i + 1));
      const said = {};
      for (const [column, name] of ["mlp", "cnn"].entries()) {
        const shares = softmax(logits(name, pixels));
        const best = shares.indexOf(Math.max(...shares));
        said[name] = { name: data.classes[best], share: shares[best] };
        rows.forEach(({ cells }, i) => {
          const cell = cells[column];
          cell.firstChild.textContent = percent(shares[i]);
          cell.style.setProperty("--share", shares[i]);
          cell.classList.toggle("alive-best", i === best);
        });
      }
      const truth = state.drawing ? "This is your drawing: the truth is for you to say."
        : `The truth: ${data.classes[data.images.labels[state.image - 1]]}.`;
      live.say(`The MLP says ${said.mlp.name}, with a confidence of ${percent(said.mlp.share)}; ` +
        `the CNN says ${said.cnn.name}, with ${percent(said.cnn.share)}. ${truth}`);
      if (mapBox.open) {
        const seen = firstMaps(nets.cnn, Float64Array.from(pixels, (p) => p / 255));
        const scale = 255 / Math.max(1e-9, ...seen);
        maps.forEach((map, i) => paint(map, Array.from(seen.subarray(i * 196, (i + 1) * 196), (v) => v * scale), 14));
      }
    }

    const arrow = (text, name, dx, dy) => window.alive.button(text, () => move(dx, dy), { "aria-label": name });
    const tools = [
      window.alive.group("Move the image", "Move: ", arrow("←", "Move left", -1, 0), arrow("→", "Move right", 1, 0),
        arrow("↑", "Move up", 0, -1), arrow("↓", "Move down", 0, 1), window.alive.button("Mirror", mirror)),
      window.alive.group("Draw", window.alive.button("Clear, and draw", () => {
        set({ drawing: encode(new Uint8Array(PIXELS)) });
        board.focus();
      }), window.alive.button("Image as it was", () => set({ drawing: "", dx: 0, dy: 0, mirrored: 0 }))),
      window.alive.slider({ label: "Brush, pixels", min: 1, max: 8, step: 1, value: brush.size, change: (v) => (brush.size = v) }),
      window.alive.slider({ label: "Brightness", min: 0, max: 15, step: 1, value: 15, change: (v) => (brush.shade = Math.round(v) * SHADES) }),
    ];
    const notice = data.images.standIn ? el("p", { class: "alive-notice" },
      "This site was built without Fashion-MNIST. The images to choose from are garments drawn by code, which " +
      "the networks have never seen: what they say here is no measure of how good they are.") : null;
    app.append(
      ...(notice ? [notice] : []), gallery,
      el("div", { class: "alive-columns" }, el("div", { class: "alive-left" }, board, ...tools), el("div", { class: "alive-right" }, ...live.nodes, table)),
      mapBox,
      el("p", { class: "alive-small" }, `On all test images of Fashion-MNIST this MLP is right for ${format(data.accuracy.mlp)} %, ` +
        `this CNN for ${format(data.accuracy.cnn)} %. Nothing that you draw leaves your browser.`));
    show();
    return { state, set, flush, logits, pixels: () => Array.from(pixels), encode, decode };
  }

  window.alive.start("network", build);
})();
