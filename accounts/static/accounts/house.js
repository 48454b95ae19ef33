// What is nicer with a script; every page works without it.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.firstChild.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.firstChild.textContent = "Copied";
    setTimeout(() => { button.firstChild.textContent = label; }, 1500);
  });
}

const all = document.querySelector(".tick-all");
const ticks = [...document.querySelectorAll("input[name=selected][type=checkbox]")];
if (all) {
  const count = document.querySelector(".ticked");
  const show = () => {
    const number = ticks.filter((tick) => tick.checked).length;
    all.checked = number === ticks.length;
    all.indeterminate = number > 0 && number < ticks.length;
    count.textContent = number ? ` (${number})` : "";
  };
  all.hidden = false;
  all.addEventListener("change", () => { for (const tick of ticks) tick.checked = all.checked; show(); });
  for (const tick of ticks) tick.addEventListener("change", show);
  show();
}
