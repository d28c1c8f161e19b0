// What a letter of a formula stands for, and what a link leads to, where one points at it. The words
// stand in the page, and the popover that the theme brings shows them. Without this script nothing is
// missing.
document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector("article");
  const data = document.getElementById("symbols");
  const { Popover } = window.bootstrap ?? {};
  if (!article || !Popover) return;
  const texts = data ? JSON.parse(data.textContent) : [];
  let shown = null;
  let timer;

  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const hide = () => {
    clearTimeout(timer);
    shown?.popover.dispose();
    shown?.marked.forEach((e) => e.classList.remove("same-symbol"));
    shown = null;
  };
  const show = (anchor, content, marked = []) => {
    if (shown?.anchor === anchor) return clearTimeout(timer);
    hide();
    // Above the whole equation or below it, so that its other letters stay in sight.
    const offset = ({ placement }) => {
      const own = anchor.getBoundingClientRect();
      const all = (anchor.closest(".formula") ?? anchor).getBoundingClientRect();
      return [0, 6 + (placement.startsWith("top") ? own.top - all.top : all.bottom - own.bottom)];
    };
    const popover = new Popover(anchor, {
      content, html: true, trigger: "manual", container: article, boundary: article, offset,
      placement: "top", fallbackPlacements: ["bottom"], animation: false, customClass: "hint",
    });
    popover.show();
    marked.forEach((e) => e.classList.add("same-symbol"));
    shown = { anchor, popover, marked };
  };

  // The letter itself, without the power to which it is raised.
  const letter = (symbol) => {
    const copy = symbol.cloneNode(true);
    const power = copy.localName === "msubsup" && copy.lastElementChild;
    const math = document.createElementNS(symbol.namespaceURI, "math");
    if (power && !/^[(∗*]/.test(power.textContent)) {
      const plain = document.createElementNS(symbol.namespaceURI, "msub");
      plain.append(...[...copy.children].slice(0, 2));
      math.append(plain);
    } else {
      math.append(copy);
    }
    return bare(math);
  };
  const explain = (symbol) => {
    const [words, range, address, number] = texts[symbol.dataset.s];
    const content = make("div", {}, letter(symbol), make("span", {}, words));
    if (range) content.append(make("span", { className: "hint-range" }, range));
    const formula = symbol.closest(".formula") ?? symbol.closest("math");
    const here = formula.parentElement.id === address?.slice(1);
    if (address) {
      content.append(here ? make("span", { className: "hint-range" }, "defined here")
        : make("a", { href: address }, `defined in (${number})`));
    }
    show(symbol, content, [...formula.querySelectorAll(`[data-s="${symbol.dataset.s}"]`)]);
    return content;
  };

  // A copy of what stands elsewhere: nothing in it can be reached or pointed at.
  const bare = (element) => {
    const copy = element.cloneNode(true);
    [copy, ...copy.querySelectorAll("*")].forEach((e) => {
      ["id", "data-s", "tabindex", "role", "aria-label", "aria-describedby"].forEach((n) =>
        e.removeAttribute(n));
    });
    copy.querySelectorAll(".headerlink").forEach((e) => e.remove());
    return copy;
  };
  const target = (link) => {
    const place = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (place && link.pathname === location.pathname) {
      if (place.matches("dt")) {
        let definition = place;
        while (definition?.matches("dt")) definition = definition.nextElementSibling;
        return definition;
      }
      return place.querySelector(".formula") ?? (place.matches("figure") ? place : null);
    }
    return document.getElementById("previews")?.content.querySelector(
      `[data-for="${CSS.escape(link.getAttribute("href"))}"]`);
  };
  const links = "a.reference.internal[href*='#']";
  const preview = (link) => {
    if (link.title) { // a citation
      link.dataset.text = link.title;
      link.removeAttribute("title");
    }
    const found = link.dataset.text ? null : target(link);
    if (!link.dataset.text && !found) return;
    show(link, make("div", { className: "hint-preview" }, link.dataset.text ?? bare(found)));
  };

  // With the mouse: after a moment, and until it has left the letter and the words.
  const later = (action, delay) => {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  };
  article.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType !== "mouse") return;
    const symbol = target.closest("[data-s]");
    const link = target.closest(links);
    if (link && !link.closest(".popover")) later(() => preview(link), 250);
    else if (symbol) later(() => explain(symbol), shown ? 300 : 120);
    else if (target.closest(".popover")) clearTimeout(timer);
    else if (shown) later(hide, 250);
    else clearTimeout(timer);
  });
  article.addEventListener("pointerleave", () => shown && later(hide, 250));
  document.addEventListener("click", ({ target }) => {
    const symbol = target.closest("article [data-s]");
    if (symbol && !symbol.closest("a")) explain(symbol);
    else if (!target.closest(".popover")) hide();
  });

  article.addEventListener("focusin", ({ target }) => {
    if (target.matches(links) && target.matches(":focus-visible") && !target.closest(".popover")) {
      preview(target);
      target.addEventListener("blur", () => later(hide, 0), { once: true });
    }
  });

  // With the keyboard: a displayed equation is one stop, and the arrows go through its letters.
  const said = make("div", { role: "status", className: "visually-hidden" });
  const help = make("div", { id: "hint-keys", className: "visually-hidden" },
    "The arrow keys explain its letters.");
  if (data) article.append(said, help);
  article.querySelectorAll(".formula:has([data-s])").forEach((formula) => {
    formula.setAttribute("aria-describedby", "hint-keys");
    formula.addEventListener("blur", hide);
  });
  const step = (formula, by) => {
    const seen = new Map();
    formula.querySelectorAll("[data-s]").forEach((e) => {
      if (!seen.has(e.dataset.s)) seen.set(e.dataset.s, e);
    });
    const letters = [...seen.values()];
    const now = letters.indexOf(seen.get(shown?.anchor.dataset.s));
    const next = letters[now < 0 ? (by > 0 ? 0 : letters.length - 1) : now + by];
    if (!next) return;
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
    const content = explain(next);
    said.textContent = [...content.children].map((e) => e.textContent).join(", ");
  };
  document.addEventListener("keydown", (event) => {
    const formula = event.target.closest?.(".formula:has([data-s])");
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") {
      hide();
    } else if (formula && by && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      event.stopPropagation(); // the theme would go to the next chapter
      step(formula, by);
    } else if (formula && event.key === "Enter") {
      document.querySelector(".popover.hint a")?.click();
    }
  }, true);
});
