// Small conveniences. Every page works without them.

// A form that is on its way is not sent a second time by a double tap; the server keeps to one result all the same.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  form.setAttribute("aria-busy", "true");
});

// Coming back with the browser's own button finds the form ready again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll('[data-once][aria-busy="true"]')) form.removeAttribute("aria-busy");
});

// What went wrong is read out first.
document.querySelector("[data-focus]")?.focus();

// A menu closes when one looks elsewhere, or with Escape.
for (const menu of document.querySelectorAll("details.account")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
