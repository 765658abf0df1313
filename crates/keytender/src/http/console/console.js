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
