/* The CNN from inside: choose a layer and a map, point at a pixel, and see the patch, the kernel and
   their products that make it. */
(function () {
  "use strict";
  const { el, format, nets: { paint } } = window.alive;
  const K = 3; // the kernels' side

  /* A small picture of numbers: 0 in white, positive orange, negative violet, as in the book. */
  function paintSigned(canvas, values, limit) {
    const shades = Array.from(values, (v) => {
      const share = Math.min(1, Math.abs(v) / (limit || 1));
      const end = v > 0 ? [179, 88, 6] : [84, 39, 136];
      return end.map((tone) => Math.round(247 + share * (tone - 247)));
    });
    const context = canvas.getContext("2d");
    const image = context.createImageData(K, K);
    shades.forEach((rgb, i) => image.data.set([...rgb, 255], 4 * i));
    context.putImageData(image, 0, 0);
  }

  /* `both` holds the networks; returns the element, and `show(pixels)`. */
  window.alive.layers = function (both) {
    let [layer, map, spot] = [0, 0, { x: 14, y: 14 }];
    let pixels = null;

    const which = window.alive.select({
      label: "Convolution", value: "0", options: { 0: "first: 16 kernels on the image", 1: "second: 32 kernels on 16 maps" },
      change(key) {
        if (Number(key) === layer) return;
        [layer, map] = [Number(key), 0];
        const scale = layer ? 0.5 : 2;
        spot = { x: Math.floor(spot.x * scale), y: Math.floor(spot.y * scale) };
        draw();
      },
    });
    const tiles = el("div", { class: "alive-maps", role: "group", "aria-label": "Maps of this convolution" });
    const large = el("canvas", { class: "alive-canvas" });
    const cursor = el("div", { class: "alive-cursor" });
    const board = el("div", { class: "alive-board alive-inspect", tabindex: 0, role: "application",
      "aria-label": "The chosen map. Arrow keys move over its pixels." }, large, cursor);
    const parts = ["patch", "kernel", "products"].map((name) => {
      const canvas = el("canvas", { width: K, height: K });
      return { canvas, node: el("figure", { class: "alive-part" }, canvas, el("figcaption", {}, name)) };
    });
    const live = window.alive.live();
    const node = el("details", { class: "alive-details alive-inside" },
      el("summary", {}, "Follow the image through the CNN"),
      el("p", {}, "Each map is what one kernel answers, before pooling and ReLU, from its lowest value in black to its highest in white. Choose a map and point at a pixel."),
      which, tiles,
      el("div", { class: "alive-columns" }, el("div", { class: "alive-left" }, board),
        el("div", { class: "alive-right" }, el("div", { class: "alive-parts" }, parts.map((part) => part.node)), ...live.nodes)));

    const clamp = (v, side) => Math.max(0, Math.min(side - 1, v));
    function point(x, y) {
      const side = layer ? 14 : 28;
      spot = { x: clamp(x, side), y: clamp(y, side) };
      inspect();
    }
    const under = (event) => {
      const box = large.getBoundingClientRect();
      const side = layer ? 14 : 28;
      point(Math.floor(((event.clientX - box.left) / box.width) * side), Math.floor(((event.clientY - box.top) / box.height) * side));
    };
    board.addEventListener("pointermove", under);
    board.addEventListener("pointerdown", under);
    board.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      point(spot.x + step[0], spot.y + step[1]);
    });

    /* Patch, kernel and products of one input map at the chosen pixel. */
    function products({ name, side, inputs }, input) {
      const { shape: [, count], values } = both.cnn[`${name}.weight`];
      const kernel = values.subarray((map * count + input) * K * K, (map * count + input + 1) * K * K);
      const patch = Array.from(kernel, (_, i) => {
        const [y, x] = [spot.y + Math.floor(i / K) - 1, spot.x + (i % K) - 1];
        return y < 0 || x < 0 || y >= side || x >= side ? 0 : inputs[(input * side + y) * side + x];
      });
      const made = patch.map((value, i) => value * kernel[i]);
      return { input, patch, kernel, made, sum: made.reduce((a, b) => a + b, 0) };
    }

    let stages = null;
    function inspect() {
      const stage = stages[layer];
      const { side, sums, name } = stage;
      const inputs = both.cnn[`${name}.weight`].shape[1];
      const all = Array.from({ length: inputs }, (_, i) => products(stage, i));
      const one = all.reduce((a, b) => (Math.abs(b.sum) > Math.abs(a.sum) ? b : a));
      const limit = (values) => Math.max(...Array.from(values, Math.abs));
      paint(parts[0].canvas, one.patch.map((v) => (255 * v) / Math.max(1, limit(one.patch))), K);
      paintSigned(parts[1].canvas, one.kernel, limit(one.kernel));
      paintSigned(parts[2].canvas, one.made, limit(one.made));
      cursor.style.width = `${100 / side}%`;
      cursor.style.height = `${100 / side}%`;
      cursor.style.left = `${(100 * spot.x) / side}%`;
      cursor.style.top = `${(100 * spot.y) / side}%`;
      const bias = both.cnn[`${name}.bias`].values[map];
      const value = sums[(map * side + spot.y) * side + spot.x];
      const where = `Map ${map + 1}, row ${spot.y + 1}, column ${spot.x + 1}: `;
      const from = inputs === 1 ? `the nine products sum to ${format(one.sum, 3)}`
        : `of ${inputs} kernels, one for each map of the first convolution, that on map ${one.input + 1} counts most, ${format(one.sum, 3)}; all sum to ${format(value - bias, 3)}`;
      live.say(`${where}${from}; with the bias ${format(bias, 3)} that makes ${format(value, 3)}. ` +
        (value > 0 ? "Pooling keeps it if it is the largest of its four." : "It is not positive: ReLU makes 0 of it, unless pooling finds a larger one beside it."));
      node.dataset.value = value;
      node.dataset.made = all.reduce((sum, part) => sum + part.sum, bias);
    }

    function draw() {
      if (!node.open || !pixels) return;
      stages = both.follow(pixels);
      const { side, sums } = stages[layer];
      const size = side * side;
      const shades = (k) => {
        const values = sums.subarray(k * size, (k + 1) * size);
        const [low, high] = [Math.min(...values), Math.max(...values)];
        return Array.from(values, (v) => (255 * (v - low)) / (high - low || 1));
      };
      const focused = tiles.contains(document.activeElement);
      tiles.replaceChildren(...Array.from({ length: sums.length / size }, (_, k) => {
        const canvas = el("canvas", { width: side, height: side, "aria-hidden": "true" });
        paint(canvas, shades(k), side);
        return el("button", { type: "button", class: "alive-map", "aria-label": `Map ${k + 1}`, "aria-pressed": String(k === map),
          onclick() {
            map = k;
            draw();
          } }, canvas);
      }));
      if (focused) tiles.children[map].focus();
      Object.assign(large, { width: side, height: side });
      paint(large, shades(map), side);
      inspect();
    }

    return {
      node,
      show(next) {
        pixels = next;
        draw();
      },
    };
  };
})();
