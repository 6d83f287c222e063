// Before the first paint, so that a chosen theme does not flash; src/theme/theme.ts takes over from here.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("provost.theme");
  } catch {}
  var dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
