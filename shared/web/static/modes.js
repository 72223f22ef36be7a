// Language, elder mode and high contrast: the reader's choice, set on <html> before the first paint, told to no server.
// A classic script in the head, so that no page flashes in the wrong size. On a shared screen (`data-shared`) the choice
// lasts as long as the session; elsewhere the browser keeps it.
(() => {
  const root = document.documentElement;
  const MODES = { lang: ["zh", "en"], elder: ["", "on"], contrast: ["", "on"] };
  const KEY = "modes";

  const store = () => (root.hasAttribute("data-shared") ? sessionStorage : localStorage);

  function read() {
    try {
      return JSON.parse(store().getItem(KEY)) ?? {};
    } catch {
      return {}; // storage is off, or holds something else
    }
  }

  function write(chosen) {
    try {
      store().setItem(KEY, JSON.stringify(chosen));
    } catch {
      // storage is off: the choice lasts for this page
    }
  }

  function apply(chosen) {
    for (const [name, [off]] of Object.entries(MODES)) {
      const value = MODES[name].includes(chosen[name]) ? chosen[name] : off;
      if (value === off) root.removeAttribute(`data-${name}`);
      else root.setAttribute(`data-${name}`, value);
    }
    root.lang = chosen.lang === "en" ? "en" : "zh-CN";
  }

  /** Words that are attributes cannot be hidden by a style sheet. */
  function translate(within) {
    const lang = root.lang === "en" ? "en" : "zh";
    for (const name of ["placeholder", "aria-label", "alt", "title"]) {
      for (const element of within.querySelectorAll(`[data-${name}-${lang}]`)) {
        element.setAttribute(name, element.getAttribute(`data-${name}-${lang}`));
      }
    }
    for (const button of within.querySelectorAll("button[data-mode]")) {
      const [off] = MODES[button.dataset.mode];
      button.setAttribute("aria-pressed", String((read()[button.dataset.mode] ?? off) !== off));
    }
  }

  function toggle(name) {
    const chosen = read();
    const [off, on] = MODES[name];
    chosen[name] = (chosen[name] ?? off) === off ? on : off;
    write(chosen);
    apply(chosen);
    translate(document);
    document.dispatchEvent(new CustomEvent("modes", { detail: chosen }));
  }

  apply(read());
  document.addEventListener("DOMContentLoaded", () => {
    for (const tools of document.querySelectorAll("[data-tools]")) tools.hidden = false;
    translate(document);
  });
  document.addEventListener("morphed", () => translate(document));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-mode]");
    if (button) toggle(button.dataset.mode);
  });
})();
