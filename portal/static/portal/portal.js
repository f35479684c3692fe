// The console's own script: small conveniences; every page works without it.
(() => {
  "use strict";

  const side = document.querySelector(".side");
  const opener = document.querySelector(".menu-button");
  const show = (open) => {
    side.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
  };
  if (side && opener) opener.addEventListener("click", () => show(!side.classList.contains("open")));

  // Menus close on a click elsewhere and on Escape.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll(".top details[open]")) if (menu !== except) menu.open = false;
  };
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest(".top details"));
    if (side && side.classList.contains("open") && !event.target.closest(".side, .menu-button")) show(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector(".top details[open]");
    closeMenus(null);
    if (open) open.querySelector("summary").focus();
    if (side && side.classList.contains("open")) show(false);
  });

  // Ask before what cannot be undone; send a form once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const question = (event.submitter && event.submitter.dataset.confirm) || form.dataset.confirm;
    if (question && !window.confirm(question)) return event.preventDefault();
    if (form.method !== "post" || form.hasAttribute("data-again")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    window.addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
})();
