// What is nicer with a script: every page works without it.
"use strict";

// A change of a filter asks at once.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

// One box ticks all of its table.
for (const all of document.querySelectorAll("input[data-all]")) {
  all.addEventListener("change", () => {
    for (const one of all.closest("form").querySelectorAll("tbody input[type=checkbox]")) one.checked = all.checked;
  });
}

// A slash goes to the search.
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && search && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
  }
});

// A command line is copied by its button.
for (const code of document.querySelectorAll("code[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  code.after(" ", button);
}

// What only a script can do is shown where there is one.
for (const scripted of document.querySelectorAll("[data-scripted]")) scripted.hidden = false;

// How many keys are ticked.
for (const said of document.querySelectorAll("[data-chosen]")) {
  const form = said.closest("form");
  const before = said.textContent;
  const say = () => {
    const count = form.querySelectorAll("tbody input[type=checkbox]:checked").length;
    said.textContent = count === 0 ? before : count === 1 ? "1 key chosen:" : `${count} keys chosen:`;
  };
  form.addEventListener("change", say);
  say();
}

// A mistake in a text is shown where it is.
for (const area of document.querySelectorAll("textarea[data-line]")) {
  const lines = area.value.split("\n");
  const line = Number(area.dataset.line) - 1;
  const start = lines.slice(0, line).join("\n").length + (line > 0 ? 1 : 0) + Number(area.dataset.column) - 1;
  area.focus();
  area.setSelectionRange(start, start + 1);
  area.scrollTop = Math.max(0, line - 5) * parseFloat(getComputedStyle(area).lineHeight);
}
