// A real OpenID provider for the tests: `oidc-provider`, on a free port of this machine.
//
//     node openid_provider.mjs NODE_MODULES CLIENT_ID CLIENT_SECRET
//
// Says its issuer on a line; takes the URI that it leads back to from the first line of its input, and
// ends with its input. Whoever signs in as NAME has the verified address NAME@example.com; as
// `unverified-NAME`, that address without a proof.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, clientId, clientSecret] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(join(modules, "oidc-provider/lib/index.js")).href);

const account = (_context, id) => ({
  accountId: id,
  claims: () => ({
    sub: id,
    email: `${id.replace("unverified-", "")}@example.com`,
    email_verified: !id.startsWith("unverified-"),
  }),
});

let handle = (_request, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://localhost:${server.address().port}`;
  console.log(issuer);
  const lines = createInterface({ input: process.stdin });
  lines.once("line", (back) => {
    const client = { client_id: clientId, client_secret: clientSecret, redirect_uris: [back] };
    const provider = new Provider(issuer, {
      clients: [client],
      claims: { openid: ["sub"], email: ["email", "email_verified"] },
      cookies: { keys: ["of a test"] },
      findAccount: account,
    });
    provider.on("server_error", (_context, error) => console.error(error));
    handle = provider.callback();
    console.log("ready");
  });
  lines.on("close", () => process.exit(0));
});
