// Verifies a web hook with the library for JavaScript: {"secret", "headers", "body"} as JSON on stdin, the folder of
// the library as the one argument.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { Webhook } = createRequire(`${process.argv[2]}/`)("standardwebhooks");
const given = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(new Webhook(given.secret).verify(given.body, given.headers)));
