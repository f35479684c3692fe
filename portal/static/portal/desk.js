// Keys for those who work through a queue all day. Without this script every page works with mouse and Tab.
(() => {
  "use strict";

  const typing = (event) => event.target.closest("input:not([type=checkbox]), textarea, select");
  const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;

  const queue = document.querySelector("[data-queue]");
  if (queue) {
    const rows = [...queue.querySelectorAll("[data-row]")];
    const picks = rows.map((row) => row.querySelector("input[type=checkbox]"));
    const all = queue.querySelector("[data-all]");
    let here = -1;
    const go = (step) => {
      if (here >= 0) rows[here].classList.remove("here");
      here = Math.min(Math.max(here + step, 0), rows.length - 1);
      rows[here].classList.add("here");
      rows[here].querySelector("[data-open]").focus();
      rows[here].scrollIntoView({ block: "nearest" });
    };
    if (all) all.addEventListener("change", () => picks.forEach((pick) => { pick.checked = all.checked; }));
    document.addEventListener("keydown", (event) => {
      if (typing(event) || !plain(event)) return;
      if (event.key === "j") go(1);
      else if (event.key === "k") go(-1);
      else if (event.key === "x" && here >= 0) picks[here].click();
    });
  }

  const verdict = document.querySelector("[data-verdict]");
  if (verdict) {
    const keys = {
      a: ["pass", "publish", "approve", "grant", "uphold", "take"],
      r: ["return", "explain"],
      x: ["reject", "turn-down", "dismiss"],
    };
    const needed = { a: "[name=no_interest]", r: "[name=opinion]", x: "[name=opinion]" };
    document.addEventListener("keydown", (event) => {
      if (typing(event) || !plain(event) || !keys[event.key]) return;
      const button = keys[event.key].map((verb) => verdict.querySelector(`[data-act="${verb}"]`)).find(Boolean);
      if (!button) return;
      event.preventDefault();
      const needs = button.dataset.needs;
      const first = verdict.querySelector(needs === undefined ? needed[event.key] : `[name="${needs}"]`);
      const missing = first && (first.type === "checkbox" ? !first.checked : !first.value.trim());
      // What is still to be said is shown first; the same key again then decides.
      if (missing) first.focus();
      else button.click();
    });
  }
})();
