/* Try the networks: the trained MLP and CNN of chapters 5 and 6 classify an image in the page. The
   large figure ("network") can be moved, mirrored and followed through the layers; the small one
   ("garment") is to draw on. */
(function () {
  "use strict";
  const { el, format, nets } = window.alive;
  const { SIDE, PIXELS, encode, decode, changed, paint, empty } = nets;

  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  // --- What the networks say ----------------------------------------------------------------------

  /* A table of bars, and the sentence that goes with it. */
  function answers(data, both) {
    const rows = data.classes.map((name) => {
      const cells = ["alive-bar-mlp", "alive-bar-cnn"].map((one) => el("td", { class: `alive-bar ${one}` }, el("span", {})));
      return { cells, row: el("tr", {}, el("th", { scope: "row" }, name), ...cells) };
    });
    const table = el("table", { class: "alive-values alive-answers" },
      el("thead", {}, el("tr", {}, ...["Class", "MLP", "CNN"].map((t) => el("th", { scope: "col" }, t)))),
      el("tbody", {}, ...rows.map((r) => r.row)));
    const live = window.alive.live();

    function opinion({ name, share, second }) {
      if (share >= 0.5) return `says ${name}, with a confidence of ${percent(share)}`;
      return `is undecided: ${name} (${percent(share)}) or ${second.name} (${percent(second.share)})`;
    }

    function show(pixels, truth) {
      const nothing = empty(pixels);
      const said = {};
      for (const [column, name] of ["mlp", "cnn"].entries()) {
        const shares = both.shares(name, pixels);
        const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
        const [first, second] = order.map((i) => ({ name: data.classes[i], share: shares[i] }));
        said[name] = { ...first, second };
        rows.forEach(({ cells }, i) => {
          cells[column].firstChild.textContent = percent(shares[i]);
          cells[column].style.setProperty("--share", shares[i]);
          cells[column].classList.toggle("alive-best", i === order[0] && !nothing);
        });
      }
      table.classList.toggle("alive-nothing", nothing);
      const [mlp, cnn] = [said.mlp, said.cnn];
      live.say(nothing
        ? `None of the ten: there is next to nothing in the image. A network has no such answer; asked all the same, ` +
          `the MLP takes nothing for ${mlp.name} (${percent(mlp.share)}), the CNN for ${cnn.name} (${percent(cnn.share)}).`
        : `The MLP ${opinion(mlp)}; the CNN ${opinion(cnn)}. ${truth}`);
    }
    return { nodes: live.nodes, table, show };
  }

  const notice = (data) => (data.images.standIn ? [el("p", { class: "alive-notice" },
    "This site was built without Fashion-MNIST. The images to choose from are garments drawn by code, which " +
    "the networks have never seen: what they say here is no measure of how good they are.")] : []);

  const YOURS = "This is your drawing: the truth is for you to say.";

  // --- The large figure ---------------------------------------------------------------------------

  function build(app, data) {
    const both = nets.both(data);
    const { count } = both;
    const { state, set: put, flush, read } = window.alive.state({
      image: window.alive.number(1, 1, count, true),
      dx: window.alive.number(0, -14, 14, true),
      dy: window.alive.number(0, -14, 14, true),
      mirrored: window.alive.choice(0, [0, 1]),
      drawing: window.alive.text("", (text) => text === "" || decode(text) !== null),
    });
    let pixels = current();
    const nameOf = (i) => data.classes[data.images.labels[i]];

    function current() {
      if (state.drawing) return decode(state.drawing);
      return changed(both.image(state.image - 1), state.dx, state.dy, state.mirrored === 1);
    }

    function set(changes) {
      put(changes);
      pixels = current();
      show();
    }

    /* A change that can be undone. */
    function act(changes) {
      board.remember();
      set(changes);
    }

    const original = { dx: 0, dy: 0, mirrored: 0, drawing: "" };
    const thumbs = Array.from({ length: count }, (_, i) => {
      const canvas = el("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
      paint(canvas, both.image(i));
      const choose = () => act({ image: i + 1, ...original });
      const radio = el("input", { type: "radio", name: "alive-image", value: i + 1,
        "aria-label": `${nameOf(i)}, image ${i + 1}`, onchange: choose });
      return { radio, label: el("label", { class: "alive-thumb", title: nameOf(i) }, radio, canvas) };
    });
    const gallery = el("div", { class: "alive-gallery", role: "radiogroup", "aria-label": "Choose an image" },
      ...thumbs.map((thumb) => thumb.label));

    const board = window.alive.board({
      pixels: () => pixels,
      draw: (next) => set({ drawing: encode(next) }),
      keep: () => ({ ...state }),
      restore: set,
    });
    const found = answers(data, both);
    const inside = window.alive.layers(both);
    inside.node.addEventListener("toggle", show);

    function move(dx, dy) {
      if (state.drawing) act({ drawing: encode(changed(pixels, dx, dy, false)) });
      else act({ dx: state.dx + dx, dy: state.dy + dy });
    }

    function mirror() {
      if (state.drawing) act({ drawing: encode(changed(pixels, 0, 0, true)) });
      else act({ mirrored: 1 - state.mirrored, dx: -state.dx });
    }

    /* The images on which the networks give different answers, found when first asked for. */
    let disputed = null;
    const told = el("span", { class: "alive-told", role: "status" });
    function disagree() {
      disputed ||= thumbs.map((_, i) => i).filter((i) => both.best("mlp", both.image(i)).name !== both.best("cnn", both.image(i)).name);
      disputed.forEach((i) => thumbs[i].label.classList.add("alive-disputed"));
      told.textContent = `They disagree on ${disputed.length} of these ${count}, marked by a dashed frame.`;
      if (disputed.length) act({ image: 1 + (disputed.find((i) => i >= state.image) ?? disputed[0]), ...original });
    }

    function show() {
      board.show();
      thumbs.forEach(({ radio }, i) => (radio.checked = !state.drawing && state.image === i + 1));
      found.show(pixels, state.drawing ? YOURS : `The truth: ${nameOf(state.image - 1)}.`);
      inside.show(pixels);
    }

    /* How many pixels to the right until a network changes its answer. */
    function patience(name, image) {
      const before = both.best(name, image).name;
      for (let dx = 1; dx <= 14; dx++) if (both.best(name, changed(image, dx, 0, false)).name !== before) return dx;
      return Infinity;
    }
    const ask = window.alive.predict({
      question: "The ankle boot moves to the right, pixel by pixel. Which network changes its mind first?",
      options: ["the MLP", "the CNN", "both at once"],
      answer(chosen) {
        const [mlp, cnn] = ["mlp", "cnn"].map((name) => patience(name, both.image(0)));
        const right = mlp < cnn ? 0 : mlp > cnn ? 1 : 2;
        act({ image: 1, ...original, dx: Math.min(mlp, cnn, 14) });
        const after = (n) => (Number.isFinite(n) ? `after ${n} pixel${n === 1 ? "" : "s"}` : "not at all");
        return { right: chosen === right, says: `The MLP changes its answer ${after(mlp)}, the CNN ${after(cnn)}. Here it stands now: move it on.` };
      },
    });

    const arrow = (text, name, dx, dy) => window.alive.button(text, () => move(dx, dy), { "aria-label": name });
    const tools = [
      window.alive.group("Draw", board.pen, board.eraser, board.undo, window.alive.button("Clear, and draw", () => {
        act({ drawing: encode(new Uint8Array(PIXELS)) });
        board.node.focus();
      })),
      window.alive.group("Move the image", "Move: ", arrow("←", "Move left", -1, 0), arrow("→", "Move right", 1, 0),
        arrow("↑", "Move up", 0, -1), arrow("↓", "Move down", 0, 1), window.alive.button("Mirror", mirror),
        window.alive.button("Image as it was", () => act(original))),
      board.size, board.shade,
    ];
    app.append(
      ...notice(data), ask, gallery,
      window.alive.group("Where they disagree", window.alive.button("Next image on which they disagree", disagree), told),
      el("div", { class: "alive-columns" }, el("div", { class: "alive-left" }, board.node, ...tools),
        el("div", { class: "alive-right" }, ...found.nodes, found.table)),
      inside.node,
      el("p", { class: "alive-small" }, `On all test images of Fashion-MNIST this MLP is right for ${format(data.accuracy.mlp)} %, ` +
        `this CNN for ${format(data.accuracy.cnn)} %. Nothing that you draw leaves your browser.`));
    show();
    return { state, set, flush, read, logits: both.logits, pixels: () => Array.from(pixels), encode, decode, empty };
  }

  // --- The small figure ---------------------------------------------------------------------------

  function buildSmall(app, data) {
    const both = nets.both(data);
    let shown = 0;
    let pixels = Uint8Array.from(both.image(shown));
    let yours = false;
    const found = answers(data, both);
    function set(next) {
      ({ pixels, yours } = next);
      board.show();
      const truth = data.classes[data.images.labels[shown]];
      found.show(pixels, yours ? YOURS : `The truth: ${truth}.`);
    }
    const board = window.alive.board({
      pixels: () => pixels,
      draw: (next) => set({ pixels: next, yours: true }),
      keep: () => ({ pixels, yours, shown }),
      restore(before) {
        shown = before.shown;
        set(before);
      },
    });
    const clear = window.alive.button("Clear", () => {
      board.remember();
      set({ pixels: new Uint8Array(PIXELS), yours: true });
      board.node.focus({ preventScroll: true });
    });
    const other = window.alive.button("Another garment", () => {
      board.remember();
      shown = (shown + 1) % both.count;
      set({ pixels: Uint8Array.from(both.image(shown)), yours: false });
    });
    app.append(...notice(data), el("div", { class: "alive-columns" },
      el("div", { class: "alive-left" }, board.node,
        window.alive.group("Draw", board.pen, board.eraser, board.undo, clear, other)),
      el("div", { class: "alive-right" }, ...found.nodes, found.table)));
    set({ pixels, yours });
    return { pixels: () => Array.from(pixels) };
  }

  window.alive.start("network", build);
  window.alive.start("garment", buildSmall, "network");
})();
