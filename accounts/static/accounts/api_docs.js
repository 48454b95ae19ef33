// What Swagger UI leaves to others: the system's light or dark, and names for the lists one chooses from.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

new MutationObserver(() => {
  for (const choice of document.querySelectorAll("#swagger-ui select:not([aria-label])")) {
    const row = choice.closest("[data-param-name]");
    choice.setAttribute("aria-label", row ? row.dataset.paramName : "Media type");
  }
}).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
