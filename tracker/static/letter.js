// Making a letter one's own: the address that opens the mail program follows what is typed, and says when it grows too
// long for one. Without this the model letter goes as it stands, or is copied by hand.

const letter = document.querySelector("[data-letter]");
if (letter) {
  const open = document.querySelector("[data-mailto]");
  const gauge = document.querySelector("[data-gauge]");
  const copy = document.querySelector("[data-copy]");
  const kept = `letter ${location.pathname} ${letter.lang}`;

  // What was made of it is kept in this tab, so that a lost line or a look at another page costs nothing.
  const before = sessionStorage.getItem(kept);
  if (before) letter.value = before;

  const follow = () => {
    if (open) {
      const body = encodeURIComponent(letter.value.replaceAll(/\r?\n/g, "\r\n"));
      const bare = open.dataset.mailto;
      const whole = bare + (body ? `${bare.includes("?") ? "&" : "?"}body=${body}` : "");
      const long = whole.length > Number(gauge.dataset.most);
      open.href = long ? bare : whole;
      gauge.dataset.state = long ? "long" : whole.length > Number(gauge.dataset.fits) ? "tight" : "fits";
      for (const said of gauge.children) said.hidden = said.dataset.when !== gauge.dataset.state;
    }
  };
  letter.addEventListener("input", () => {
    sessionStorage.setItem(kept, letter.value);
    follow();
  });
  follow();

  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(letter.value);
      document.querySelector("[data-copied]").hidden = false;
    });
  }
}

// What was begun of the form outlives a lost line as well; it is forgotten once the page that follows it is there.
const keeps = document.querySelector("[data-keeps]");
if (keeps) {
  const form = keeps.querySelector("form.form-frame");
  const begun = `form ${keeps.dataset.keeps}`;
  const fields = () => [...form.elements].filter((f) => f.name && f.type !== "hidden");
  const before = JSON.parse(sessionStorage.getItem(begun) || "null");
  if (before && !document.querySelector(".error-summary")) {
    for (const f of fields()) {
      if (!(f.name in before)) continue;
      if (f.type === "radio" || f.type === "checkbox") f.checked = before[f.name] === f.value;
      else f.value = before[f.name];
    }
  }
  form.addEventListener("input", () => {
    const now = {};
    for (const f of fields()) if ((f.type !== "radio" && f.type !== "checkbox") || f.checked) now[f.name] = f.value;
    sessionStorage.setItem(begun, JSON.stringify(now));
  });
}
const done = document.querySelector("[data-done]");
if (done) sessionStorage.removeItem(`form ${done.dataset.done}`);

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
