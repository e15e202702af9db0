// SAP's mock server for Fiori elements (@sap-ux/fe-mockserver-core) on 127.0.0.1: OData V2 and V4
// out of a metadata document and JSON files.
//
//   node fe_mockserver.mjs --port N --services FILE [--audit FILE]
//
// FILE is a list of { urlPath, metadataPath, mockdataPath }. Every answer has all rows that were
// asked for; there are no next links. A CSRF token is given to whoever asks for one.
import { appendFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import mockserver from "@sap-ux/fe-mockserver-core";

console.log = console.info = console.warn = console.error; // stdout carries the ready line only
const HOST = "127.0.0.1";
const { values: option } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    services: { type: "string" },
    audit: { type: "string" },
  },
});

function audit({ method, url, headers }) {
  if (!option.audit) return;
  const [path, query = ""] = url.split("?");
  const entry = { method, target: url, path, headers, time: Date.now() / 1000 };
  entry.query = [...new URLSearchParams(query)];
  appendFileSync(option.audit, JSON.stringify(entry) + "\n");
}

const services = JSON.parse(readFileSync(option.services, "utf8"));
const server = new mockserver.default({ services });
await server.isReady;
const listener = createServer((request, response) => {
  audit(request);
  server.getRouter()(request, response, () => response.writeHead(404).end());
});
listener.listen(Number(option.port), HOST, () => {
  process.stdout.write(JSON.stringify({ port: listener.address().port, pid: process.pid }) + "\n");
});
process.stdin.on("end", () => process.exit(0)).resume();
