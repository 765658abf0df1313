// An API behind a gateway that asks Keytender about each key. Whose key it is, the gateway says in headers, so the
// API must be reached through it alone: it listens to this machine only.
import express from "express";

const api = express();

api.use((request, response, next) => {
  const account = request.get("Keytender-Account");
  if (!account) return response.status(401).json({ title: "Not through the gateway" });
  const scopes = (request.get("Keytender-Scopes") ?? "").split(" ");
  request.key = { account, app: request.get("Keytender-App"), scopes };
  next();
});

api.get("/orders", (request, response) => {
  response.json({ orders: [], app: request.key.app });
});

api.post("/orders", (request, response) => {
  if (!request.key.scopes.includes("orders:write")) {
    return response.status(403).json({ title: "This key may not write orders" });
  }
  response.status(201).json({ order: 1 });
});

api.listen(8080, "127.0.0.1");
