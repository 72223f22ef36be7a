// `node validate.mjs FILE…`: print each complaint of the public validators as one line; status 1 if there are any.
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import { readFileSync } from "node:fs";

const complaints = [];
for (const file of process.argv.slice(2)) {
  const document = JSON.parse(readFileSync(file, "utf-8"));
  if (document.asyncapi) {
    const found = await new Parser().validate(document);
    // 0 is an error, 1 a warning; the rest is taste.
    complaints.push(...found.filter((one) => one.severity === 0).map((one) => `${file}: ${one.path.join(".")}: ${one.message}`));
  } else {
    const found = await new Validator().validate(document);
    if (!found.valid) complaints.push(`${file}: ${JSON.stringify(found.errors)}`);
  }
}
for (const line of complaints) console.log(line);
process.exit(complaints.length ? 1 : 0);
