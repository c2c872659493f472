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

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
