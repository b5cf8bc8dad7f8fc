// A preview that ends has its page loaded anew: the reader stays where he was. The page works without this.
"use strict";
(() => {
  const KEY = `place:${location.pathname}${location.search}`;
  const table = () => document.querySelector(".scroll");

  addEventListener("pagehide", () => {
    const [scrolled, focused] = [table(), document.activeElement?.closest("[id]")];
    const cell = document.activeElement?.closest("td[id]");
    const place = { x: scrolled?.scrollLeft, y: scrolled?.scrollTop, page: scrollY, at: cell?.id ?? focused?.id };
    try { sessionStorage.setItem(KEY, JSON.stringify(place)); } catch { /* no storage, no memory */ }
  });

  if (performance.getEntriesByType("navigation")[0]?.type !== "reload") return;
  let place = null;
  try { place = JSON.parse(sessionStorage.getItem(KEY)); } catch { /* as above */ }
  if (!place) return;
  table()?.scrollTo(place.x ?? 0, place.y ?? 0);
  scrollTo(scrollX, place.page);
  const found = place.at && document.getElementById(place.at);
  (found?.matches("td") ? found.querySelector("a") : found)?.focus({ preventScroll: true });
})();
