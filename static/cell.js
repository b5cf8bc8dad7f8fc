// The cell's page works without this: keys, copying, and lines that are named in the address.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted-page");

  // Keys. A single letter is a shortcut only while nothing is being typed, and the reader can turn them off.
  const keysBox = document.getElementById("use-keys");
  const kept = () => { try { return localStorage; } catch { return undefined; } };
  const keysOn = () => (keysBox ? keysBox.checked : true);
  if (keysBox) {
    keysBox.checked = kept()?.getItem("keys") !== "off";
    keysBox.addEventListener("change", () => kept()?.setItem("keys", keysBox.checked ? "on" : "off"));
  }

  const below = (element) => element.getBoundingClientRect().top;
  // What is at the top of the window counts as here, whatever sticks there.
  const HERE = 60;

  function step(selector, forward) {
    const all = [...document.querySelectorAll(selector)];
    const found = forward ? all.find((one) => below(one) > HERE + 1) : all.reverse().find((one) => below(one) < HERE - 25);
    if (!found) return;
    window.scrollBy({ top: below(found) - HERE + 12 });
    return found;
  }

  function stepResource(forward) {
    const here = document.activeElement && document.activeElement.closest("section.section");
    const all = [...document.querySelectorAll("section.section")];
    const at = here ? all.indexOf(here) : forward ? -1 : 0;
    const found = all[at + (forward ? 1 : -1)];
    if (!found) return;
    found.scrollIntoView();
    found.querySelector("h2").focus({ preventScroll: true });
  }

  function currentSection() {
    const focused = document.activeElement && document.activeElement.closest("section.section");
    return focused || [...document.querySelectorAll("section.section")].find((one) => one.getBoundingClientRect().bottom > HERE);
  }

  const press = (selector, within = document) => {
    const found = within && within.querySelector(selector);
    if (found) found.click();
  };

  const KEYS = {
    j: () => stepResource(true),
    k: () => stepResource(false),
    n: () => step("tbody.ch", true),
    p: () => step("tbody.ch", false),
    "]": () => press("a[rel=next]"),
    "[": () => press("a[rel=prev]"),
    v: () => press("button.tick", currentSection()),
    u: () => press("a[data-key=u]"),
    q: () => press("a[data-key=q]"),
    m: () => press("a[data-key=m]"),
    "?": () => press("details.keys > summary"),
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // The list of resources, by what is typed.
  document.addEventListener("input", (event) => {
    const chosen = event.target.dataset.filter;
    if (!chosen) return;
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const one of document.querySelectorAll(chosen)) {
      const text = one.textContent.toLowerCase();
      one.hidden = !words.every((word) => text.includes(word));
    }
  });

  // Copying.
  async function copy(button) {
    const said = button.textContent;
    try {
      const text = button.dataset.copy ?? (await (await fetch(button.dataset.copyFrom)).text());
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Could not copy";
    }
    setTimeout(() => { button.textContent = said; }, 1500);
  }

  // Lines: #L3h12 is line 12 of the head in section 3, #L3h12-18 a range.
  const LINE = /^#?(L\d+[bh])(\d+)(?:-(\d+))?$/;

  function mark() {
    for (const one of document.querySelectorAll("tr.marked, td.marked")) one.classList.remove("marked");
    const found = LINE.exec(location.hash);
    if (!found) return;
    const first = Number(found[2]);
    const last = Math.min(Number(found[3] ?? first), first + 5000);
    const start = document.getElementById(found[1] + first);
    if (!start) {
      // Folded, or left out: the server shows it.
      const address = new URL(location.href);
      if (address.searchParams.get("line") === location.hash.slice(1)) return;
      address.searchParams.set("line", location.hash.slice(1));
      location.replace(address);
      return;
    }
    for (let number = first; number <= last; number++) {
      const cell = document.getElementById(found[1] + number)?.closest("td");
      cell?.classList.add("marked");
      const code = cell?.parentElement.querySelector(found[1].endsWith("b") ? "td.c" : "td.c:last-child");
      code?.classList.add("marked");
    }
    if (found[3]) start.scrollIntoView({ block: "center" });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (button) return void copy(button);
    const line = event.target.closest("td.n > a");
    const from = LINE.exec(location.hash);
    const to = line && LINE.exec(line.hash);
    if (event.shiftKey && from && to && from[1] === to[1]) {
      event.preventDefault();
      const [low, high] = [Number(from[2]), Number(to[2])].sort((a, b) => a - b);
      history.replaceState(null, "", `#${from[1]}${low}-${high}`);
      mark();
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  addEventListener("hashchange", mark);
  mark();
})();
