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

const lookAhead = (input) => {
  const { organization, org } = input.form.elements;
  const place = organization ?? org;
  let asked = 0;
  let waiting;
  const look = async () => {
    const turn = ++asked;
    const address = new URL(input.dataset.lookUp, location.href);
    address.searchParams.set("q", input.value);
    if (place?.value) address.searchParams.set("org", place.value);
    const answer = await fetch(address);
    if (!answer.ok || turn !== asked) return;
    const { results } = await answer.json();
    input.list.replaceChildren(...results.map(({ value, label }) => new Option(label, value)));
  };
  input.addEventListener("focus", look, { once: true });
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 150); });
  place?.addEventListener("change", look);
};
for (const input of document.querySelectorAll("input[data-look-up]")) lookAhead(input);

// Several of one kind: who fills the last line gets another.
for (const group of document.querySelectorAll("[data-grows]")) {
  group.addEventListener("input", () => {
    const last = group.lastElementChild;
    if (!last.querySelector("input").value) return;
    const next = last.cloneNode(true);
    const [input, choices] = next.children;
    input.id = input.id.replace(/\d+$/, group.children.length + 1);
    choices.id = `${input.id}_choices`;
    input.setAttribute("list", choices.id);
    input.setAttribute("aria-label", `${group.dataset.grows} ${group.children.length + 1}`);
    input.value = "";
    choices.replaceChildren();
    group.append(next);
    lookAhead(input);
  });
}
