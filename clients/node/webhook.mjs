// `node webhook.mjs`: receives webhooks on a free port and verifies them. Secrets come as lines on standard input.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

const secrets = [];
createInterface({ input: process.stdin }).on("line", (line) => secrets.push(line.trim()));

function verified(body, headers) {
  for (const secret of secrets) {
    try {
      return new Webhook(secret).verify(body, headers);
    } catch {
      // Another subscription's secret may fit.
    }
  }
  return null;
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const said = verified(Buffer.concat(chunks).toString(), request.headers);
    console.log(JSON.stringify(said ? { id: request.headers["webhook-id"], type: said.type } : { refused: true }));
    response.writeHead(said ? 204 : 401).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
