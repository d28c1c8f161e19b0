// Paper is white: print the light mode, whatever mode the reader has chosen.
const root = document.documentElement;
let chosen;
window.addEventListener("beforeprint", () => {
  chosen = root.dataset.theme;
  root.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  root.dataset.theme = chosen;
});
