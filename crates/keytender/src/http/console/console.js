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
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // In a frame that may not: whoever presses the keys themselves can.
      getSelection().selectAllChildren(code);
      button.textContent = "Press Ctrl+C";
    }
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

// A picture is chosen as a file, and posted as text.
for (const area of document.querySelectorAll("textarea[data-picture]")) {
  const file = document.createElement("input");
  file.type = "file";
  file.accept = "image/png,image/jpeg,image/gif,image/webp";
  file.setAttribute("aria-label", "A picture for the logo");
  file.addEventListener("change", () => {
    const reader = new FileReader();
    reader.addEventListener("load", () => { area.value = String(reader.result).split(",")[1] ?? ""; });
    if (file.files[0]) reader.readAsDataURL(file.files[0]);
  });
  area.before(file);
}

// Passkeys: the browser is asked, and what it answers is posted by the form.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const can = window.PublicKeyCredential?.parseCreationOptionsFromJSON;
  if (!can) {
    const note = document.createElement("p");
    note.className = "dim";
    note.textContent = "This browser cannot use passkeys here.";
    if (form.dataset.passkey === "create") form.after(note);
    continue;
  }
  form.hidden = false;
  const say = (text) => {
    const alert = form.querySelector("[role=alert]") ?? form.appendChild(document.createElement("p"));
    alert.className = "wrong";
    alert.setAttribute("role", "alert");
    alert.textContent = text;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const body = new URLSearchParams(new FormData(form));
      body.delete("answer");
      const asked = await fetch(form.dataset.options, { method: "POST", body });
      const told = await asked.json();
      if (!asked.ok) {
        say([told.detail ?? told.title, told.hint].filter(Boolean).join(": "));
        return;
      }
      const made = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(told) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(told) });
      form.elements.answer.value = JSON.stringify(made.toJSON());
      form.submit();
    } catch (error) {
      say(error.name === "InvalidStateError" ? "This one is added already." : "It did not work, or was broken off.");
    }
  });
}

// What goes on is shown as it goes on, but for where somebody is about to say something.
const live = document.querySelector("[data-live]");
if (live) {
  const pause = Number(live.dataset.live) * 1000;
  const isBusy = (part) => part.contains(document.activeElement) || part.querySelector("details[open]");
  let looks = 300;
  const look = async () => {
    let goesOn = true;
    if (!document.hidden) {
      looks -= 1;
      try {
        const answer = await fetch(location.href);
        if (!answer.ok || answer.redirected) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        goesOn = page.querySelector("[data-live]") !== null;
        for (const part of document.querySelectorAll("[data-part]")) {
          const now = page.getElementById(part.id);
          if (!now || now.innerHTML === part.innerHTML) continue;
          if (isBusy(part)) goesOn = true;
          else part.replaceChildren(...now.childNodes);
        }
      } catch {
        // The server is away for a moment.
      }
    }
    if (goesOn && looks > 0) setTimeout(look, pause);
  };
  setTimeout(look, pause);
}
